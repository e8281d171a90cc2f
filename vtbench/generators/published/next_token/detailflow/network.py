"""DetailFlow's transformer in the names of its published files: LlamaGen's blocks over a group a pass.

What enters: the class, the first group one by one, then learnt vectors in place of what would be the rest of a group,
then the other groups. So each group but the first is predicted from as many positions as it has tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from vtbench.generators.published.next_token.llamagen.network import SIZES as HOST_SIZES
from vtbench.generators.published.next_token.llamagen.network_condition import ClassCondition
from vtbench.generators.sampling.orders import DecodingOrder, singly_then_groups
from vtbench.networks.decoder_transformer import DecoderBlock, DecoderGeometry, RmsNorm
from vtbench.networks.key_value_cache import KeyValueCache
from vtbench.networks.rotary import HeldTable, grid_table

SIZES = {name: HOST_SIZES[name] for name in ("L", "tiny")}
"""The published size, and one for tests that no file has."""


@dataclass(frozen=True)
class DetailFlowGeometry:
    """Sizes of the network.

    Attributes:
        decoder: of its blocks.
        vocabulary: entries of the tokenizer's codebook.
        tokens: of an image; a multiple of ``group``.
        group: tokens a pass; those of the first group take a pass each.
        classes: class labels; one more stands for "no class".
    """

    decoder: DecoderGeometry
    vocabulary: int = 8192
    tokens: int = 128
    group: int = 8
    classes: int = 1000

    @cached_property
    def order(self) -> DecodingOrder:
        """The first group singly, then a group a pass."""
        return singly_then_groups(self.tokens, self.group, self.group)

    def turns(self) -> Tensor:
        """The rotation of each position, the class's first."""
        return grid_table(self.tokens // self.group, self.group, self.decoder.head_width, zero_rows=1)


class SpecialTokens(nn.Module):
    """Vectors that enter once, behind the first group."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.special_embeddings = nn.Embedding(count, width)


class DetailFlowNetwork(nn.Module):
    """Predicts the next token of the first group, then the next group, from the class and all before.

    The class has LlamaGen's row of zeros; position p behind it is in row (p-1) // group, column (p-1) % group.
    Positions of one pass see one another and all before them; so with a cache no mask is needed. The authors keep none
    and compute everything anew at each pass, to the same logits.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: DetailFlowGeometry) -> None:
        super().__init__()
        sizes = geometry.decoder
        self.geometry = geometry
        self.cls_embedding = ClassCondition(geometry.classes, sizes.width)
        self.tok_embeddings = nn.Embedding(geometry.vocabulary, sizes.width)
        self.layers = nn.ModuleList(DecoderBlock(sizes) for _ in range(sizes.depth))
        self.norm = RmsNorm(sizes.width, sizes.eps)
        self.output = nn.Linear(sizes.width, geometry.vocabulary, bias=False)
        self.spe_tok_embeddings = SpecialTokens(geometry.group - 1, sizes.width)
        self._turns = HeldTable(geometry.turns)

    @property
    def tokens(self) -> int:
        """Tokens of an image."""
        return self.geometry.tokens

    @property
    def order(self) -> DecodingOrder:
        """The first group singly, then a group a pass."""
        return self.geometry.order

    def make_cache(self, batch: int) -> KeyValueCache:
        """An empty cache for so many sequences, in the precision of the weights; the last group is never fed."""
        return KeyValueCache(self.geometry.decoder.cache(self.geometry.tokens), batch, self.output.weight)

    def prefill(self, condition: Tensor, cache: KeyValueCache) -> Tensor:
        """Labels ``int64 [B]`` to logits ``[B,1,V]`` of token 0."""
        return self._run(self.cls_embedding(condition), None, cache)

    def step(self, tokens: Tensor, group: int, cache: KeyValueCache) -> Tensor:
        """Group ``group - 1`` of the order, ``int64 [B,F]``, to logits ``[B,G,V]`` of the next."""
        x = self.tok_embeddings(tokens)
        if group == self.geometry.group:
            x = torch.cat([x, self._special(len(x))], dim=1)
        return self._run(x, None, cache)

    def forward(self, condition: Tensor, tokens: Tensor) -> Tensor:
        """Logits of all tokens at once, without a cache.

        Args:
            condition: labels ``int64 [B]``; ``classes`` for none.
            tokens: ``int64 [B,T]``, the first T of each image: fewer than the first group, or whole groups, not all.

        Returns:
            ``[B,T+1,V]`` or ``[B,T+group,V]``: position t holds the logits of token t.
        """
        label, embedded, first = self.cls_embedding(condition), self.tok_embeddings(tokens), self.geometry.group
        parts = [label, embedded[:, :first]]
        if tokens.shape[1] >= first:
            parts += [self._special(len(label)), embedded[:, first:]]
        x = torch.cat(parts, dim=1)
        return self._run(x, self.mask(x.shape[1], x.device), None)

    def mask(self, length: int, device: torch.device) -> Tensor:
        """``bool [T,T]``: the first positions see those before them, others also their own group."""
        places = torch.arange(length, device=device)
        last = torch.where(
            places < self.geometry.group, places, (places // self.geometry.group + 1) * self.geometry.group - 1
        )
        return places <= last[:, None]

    def _special(self, batch: int) -> Tensor:
        return self.spe_tok_embeddings.special_embeddings.weight.expand(batch, -1, -1)

    def _run(self, x: Tensor, mask: Tensor | None, cache: KeyValueCache | None) -> Tensor:
        past, length = 0 if cache is None else cache.length, x.shape[1]
        turns = self._turns.on(x.device)[past : past + length]
        for index, layer in enumerate(self.layers):
            x = layer(x, turns, mask, cache, index)
        if cache is not None:
            cache.advance(length)
        logits: Tensor = self.output(self.norm(x))
        return logits
