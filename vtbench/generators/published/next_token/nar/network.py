"""NAR's transformer in the names of its published files: LlamaGen with a block and a head more.

The hidden state after the n blocks of LlamaGen predicts the token to the right, that after one block more the token
below; where both neighbours are there, the two predictions are averaged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor, nn

from vtbench.generators.published.next_token.llamagen.network import SIZES as HOST_SIZES
from vtbench.generators.published.next_token.llamagen.network_condition import (
    TextGeometry,
    condition_layers,
    padding_of,
)
from vtbench.generators.sampling.orders import DecodingOrder, anti_diagonals
from vtbench.generators.text.encoded import EncodedText
from vtbench.networks.decoder_transformer import (
    DecoderBlock,
    DecoderGeometry,
    RmsNorm,
    causal_mask,
    swiglu_width,
    without_padding,
)
from vtbench.networks.key_value_cache import KeyValueCache
from vtbench.networks.rotary import HeldTable, grid_table

SIZES = {
    **{name: HOST_SIZES[name] for name in ("B", "L", "XL", "tiny")},
    "M": DecoderGeometry(depth=18, heads=16, width=1024, hidden=swiglu_width(1024)),
}
"""Blocks before the first head, of published sizes (NAR, table 1), and one for tests that no file has."""


@dataclass(frozen=True)
class NarGeometry:
    """Sizes of the network.

    Attributes:
        decoder: of the blocks before the first head; one more follows.
        vocabulary: entries of the tokenizer's codebook.
        grid: tokens along one side.
        classes: class labels; one more stands for "no class".
        text: sizes of a text in the place of the class, if it is made from texts.
    """

    decoder: DecoderGeometry
    vocabulary: int = 16384
    grid: int = 16
    classes: int = 1000
    text: TextGeometry | None = None

    @property
    def tokens(self) -> int:
        """Tokens of an image."""
        return self.grid * self.grid

    @property
    def prefix(self) -> int:
        """Positions of the condition."""
        return 1 if self.text is None else self.text.length

    @cached_property
    def order(self) -> DecodingOrder:
        """An anti-diagonal of the grid a pass."""
        return anti_diagonals(self.grid)

    def turns(self) -> Tensor:
        """The rotation of each position, the condition's first."""
        return grid_table(self.grid, self.grid, self.decoder.head_width, zero_rows=self.prefix)


class NarNetwork(nn.Module):
    """Predicts an anti-diagonal of an image from its class or text and those before it.

    A token sees the condition and every token that is as near to the first corner or nearer, its own anti-diagonal
    included: with a cache that grows by anti-diagonals, all that is there. Positions are LlamaGen's, a condition of
    zeros and the grid in raster order.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: NarGeometry) -> None:
        super().__init__()
        sizes = geometry.decoder
        self.geometry = geometry
        self.cls_embedding = condition_layers(geometry.classes, geometry.text, sizes.width)
        self.tok_embeddings = nn.Embedding(geometry.vocabulary, sizes.width)
        self.layers = nn.ModuleList(DecoderBlock(sizes) for _ in range(sizes.depth + 1))
        self.norm = RmsNorm(sizes.width, sizes.eps)
        self.output = nn.Linear(sizes.width, geometry.vocabulary, bias=False)
        self.medusa_norm = RmsNorm(sizes.width, sizes.eps)
        self.medusa_output = nn.Linear(sizes.width, geometry.vocabulary, bias=False)
        self._turns = HeldTable(geometry.turns)

    @property
    def order(self) -> DecodingOrder:
        """An anti-diagonal of the grid a pass."""
        return self.geometry.order

    @property
    def tokens(self) -> int:
        """Tokens of an image."""
        return self.geometry.tokens

    def make_cache(self, batch: int) -> KeyValueCache:
        """An empty cache for so many sequences, in the precision of the weights; the last token is never fed."""
        sizes = replace(self.geometry.decoder, depth=len(self.layers))
        length = self.geometry.prefix + self.tokens - 1
        return KeyValueCache(sizes.cache(length), batch, self.output.weight)

    def prefill(self, condition: Tensor | EncodedText, cache: KeyValueCache) -> Tensor:
        """Labels ``int64 [B]``, or texts filled up on the left, to logits ``[B,1,V]`` of the first corner: the mean of
        both heads."""
        cache.padding = padding_of(condition)
        x, length = self.cls_embedding(condition), self.geometry.prefix
        turns = self._turns.on(x.device)[:length]
        right, below = self._run(x, turns, causal_mask(length, 0, x.device), cache)
        return (right[:, -1:] + below[:, -1:]) / 2

    def step(self, tokens: Tensor, group: int, cache: KeyValueCache) -> Tensor:
        """Anti-diagonal ``group - 1`` ``int64 [B,F]``, ascending by row, to logits ``[B,G,V]`` of the next.

        What lies between two of its tokens is the lower neighbour of one and the right neighbour of the other; the ends
        of a longer one have a single neighbour.
        """
        shown, prefix = self.order.groups[group - 1], self.geometry.prefix
        # An anti-diagonal goes a row down and a column to the left: a slice, where a list would be sent to the device.
        here = slice(prefix + shown[0], prefix + shown[-1] + 1, max(1, self.geometry.grid - 1))
        turns = self._turns.on(tokens.device)[here]
        right, below = self._run(self.tok_embeddings(tokens), turns, None, cache)
        between = (below[:, :-1] + right[:, 1:]) / 2
        if group >= self.geometry.grid:
            return between
        return torch.cat([right[:, :1], between, below[:, -1:]], dim=1)

    def forward(self, condition: Tensor | EncodedText, tokens: Tensor) -> Tensor:
        """Logits of all tokens at once, without a cache.

        Args:
            condition: labels ``int64 [B]``, ``classes`` for none; or texts filled up on the left.
            tokens: ``int64 [B,N]`` in raster order.

        Returns:
            ``[B,N,V]``: each position's, from the tokens nearer to the first corner alone.
        """
        heads = self.heads(condition, tokens, self.proximity_mask(tokens.device))
        right, below = (logits[:, self.geometry.prefix - 1 :] for logits in heads)
        side = self.geometry.grid
        corner = ((right + below) / 2)[:, :1]
        shape = (len(tokens), side, side, -1)
        from_left, from_above = right[:, 1:].reshape(shape), below[:, 1:].reshape(shape)
        logits = torch.empty_like(from_left)
        logits[:, 0, 1:], logits[:, 1:, 0] = from_left[:, 0, :-1], from_above[:, :-1, 0]
        logits[:, 1:, 1:] = (from_left[:, 1:, :-1] + from_above[:, :-1, 1:]) / 2
        logits[:, 0, 0] = corner[:, 0]
        return logits.flatten(1, 2)

    def heads(self, condition: Tensor | EncodedText, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Logits ``[B,P+T,V]`` of both heads, for the P positions of the condition and the first T tokens.

        Args:
            condition: labels ``int64 [B]``, or texts filled up on the left.
            tokens: ``int64 [B,T]`` in raster order.
            mask: ``bool [P+T,P+T]``, true where a position (row) sees another; what is filled up is taken out here.
        """
        x = torch.cat([self.cls_embedding(condition), self.tok_embeddings(tokens)], dim=1)
        return self._run(x, self._turns.on(x.device)[: x.shape[1]], mask, None, padding_of(condition))

    def proximity_mask(self, device: torch.device) -> Tensor:
        """``bool [P+N,P+N]``: a position of the condition sees those before it and itself; a token the condition and
        all that are as near to the first corner."""
        steps = torch.arange(self.geometry.grid, device=device)
        condition = torch.arange(-self.geometry.prefix, 0, device=device)
        distance = torch.cat([condition, (steps[:, None] + steps).flatten()])
        return distance[:, None] >= distance

    def _run(
        self,
        x: Tensor,
        turns: Tensor,
        mask: Tensor | None,
        cache: KeyValueCache | None,
        padding: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        past, padding = (0, padding) if cache is None else (cache.length, cache.padding)
        if padding is not None:
            mask = without_padding(mask, padding, x.shape[1], past)
        for index, layer in enumerate(self.layers[:-1]):
            x = layer(x, turns, mask, cache, index)
        beyond = self.layers[-1](x, turns, mask, cache, len(self.layers) - 1)
        if cache is not None:
            cache.advance(x.shape[1])
        right: Tensor = self.output(self.norm(x))
        below: Tensor = self.medusa_output(self.medusa_norm(beyond))
        return right.float(), below.float()
