"""Hita's transformer in the names of its published files: LlamaGen's blocks over holistic tokens, then the map's.

Two vocabularies of equal size: the first half of the head predicts holistic tokens, the second half the map's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vtbench.generators.published.next_token.llamagen.network import SIZES as HOST_SIZES
from vtbench.generators.published.next_token.llamagen.network_condition import ClassCondition
from vtbench.networks.decoder_transformer import DecoderBlock, DecoderGeometry, RmsNorm, run_causally, swiglu_width
from vtbench.networks.key_value_cache import KeyValueCache
from vtbench.networks.rotary import HeldTable, grid_table

SIZES = {
    **{name: HOST_SIZES[name] for name in ("B", "L", "XL", "XXL", "tiny")},
    "2B": DecoderGeometry(depth=48, heads=32, width=1920, hidden=swiglu_width(1920)),
}
"""Published sizes (Hita, table 2), and one for tests that no file has."""


@dataclass(frozen=True)
class HitaGeometry:
    """Sizes of the network.

    Attributes:
        decoder: of its blocks.
        vocabulary: entries of either codebook of the tokenizer.
        slots: holistic tokens, which come first.
        grid: tokens of the map along one side.
        classes: class labels; one more stands for "no class".
    """

    decoder: DecoderGeometry
    vocabulary: int = 16384
    slots: int = 128
    grid: int = 21
    classes: int = 1000

    @property
    def tokens(self) -> int:
        """Tokens of an image, of both kinds."""
        return self.slots + self.grid * self.grid

    def turns(self) -> Tensor:
        """The rotation of each position: none for as many as there are slots, then a row of zeros, then the map's."""
        width = self.decoder.head_width
        still = torch.tensor([1.0, 0.0]).expand(self.slots, width // 2, 2)
        return torch.cat([still, grid_table(self.grid, self.grid, width, zero_rows=1)])


class HitaNetwork(nn.Module):
    """Predicts token t of an image from its class and the tokens before it.

    The first positions, as many as there are slots and the class's among them, have learnt vectors added to queries and
    keys; the next one, of the last holistic token, has zero queries and keys, and the map's are turned. That token is
    embedded as one of the map's, since the authors' sampler does so, though their training does not.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: HitaGeometry) -> None:
        super().__init__()
        sizes = geometry.decoder
        self.geometry = geometry
        self.cls_embedding = ClassCondition(geometry.classes, sizes.width)
        self.tok_embeddings = nn.Embedding(geometry.vocabulary, sizes.width)
        self.slot_embeddings = nn.Embedding(geometry.vocabulary, sizes.width)
        self.layers = nn.ModuleList(DecoderBlock(sizes) for _ in range(sizes.depth))
        self.norm = RmsNorm(sizes.width, sizes.eps)
        self.output = nn.Linear(sizes.width, 2 * geometry.vocabulary, bias=False)
        self.slot_pos = nn.Embedding(geometry.slots, sizes.width)
        self._turns = HeldTable(geometry.turns)

    @property
    def tokens(self) -> int:
        """Tokens of an image, of both kinds."""
        return self.geometry.tokens

    def make_cache(self, batch: int) -> KeyValueCache:
        """An empty cache for so many sequences, in the precision of the weights; the last token is never fed."""
        return KeyValueCache(self.geometry.decoder.cache(self.tokens), batch, self.output.weight)

    def prefill(self, condition: Tensor, cache: KeyValueCache) -> Tensor:
        """Labels ``int64 [B]`` to logits ``[B,V]`` of token 0."""
        return self._run(self.cls_embedding(condition), cache)[:, -1]

    def step(self, tokens: Tensor, cache: KeyValueCache) -> Tensor:
        """The next G tokens ``int64 [B,G]`` to the logits ``[B,G,V]`` of those after each."""
        return self._run(self._embedded(tokens, cache.length), cache)

    def forward(self, condition: Tensor, tokens: Tensor) -> Tensor:
        """Logits of all tokens at once, without a cache.

        Args:
            condition: labels ``int64 [B]``; ``classes`` for none.
            tokens: ``int64 [B,T]``, the first T of each image, fewer than all.

        Returns:
            ``[B,T+1,V]``: position t holds the logits of token t.
        """
        return self._run(torch.cat([self.cls_embedding(condition), self._embedded(tokens, 1)], dim=1), None)

    def _of_slots(self, first: int, length: int) -> int:
        """How many of so many positions lie before the one of the last holistic token."""
        return min(max(self.geometry.slots - first, 0), length)

    def _embedded(self, tokens: Tensor, first: int) -> Tensor:
        count = self._of_slots(first, tokens.shape[1])
        return torch.cat([self.slot_embeddings(tokens[:, :count]), self.tok_embeddings(tokens[:, count:])], dim=1)

    def _run(self, x: Tensor, cache: KeyValueCache | None) -> Tensor:
        past, length = 0 if cache is None else cache.length, x.shape[1]
        count = self._of_slots(past, length)
        added = self.slot_pos.weight[past : past + count]
        added = torch.cat([added, added.new_zeros(length - count, added.shape[1])])
        given = added.view(length, self.geometry.decoder.heads, -1)
        x = self.norm(run_causally(self.layers, x, self._turns.on(x.device), cache, given))
        holistic, local = self.output(x).chunk(2, dim=-1)
        return torch.cat([holistic[:, :count], local[:, count:]], dim=1)
