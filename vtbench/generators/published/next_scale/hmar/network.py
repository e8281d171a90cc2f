"""HMAR's transformer in the names of its published files: a trunk, a tail for whole scales, and one for masked places.

Written from the paper's description and the names and shapes of the files. A scale sees itself alone, since the map
that it is predicted from holds all scales before; so nothing is cached.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

from vtbench.generators.published.next_scale.var.network import VarGeometry
from vtbench.networks.next_scale.blocks import AdaLayerNorm, AdaLayerNormBlock
from vtbench.networks.next_scale.masks import block_diagonal

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.networks.next_scale.attention import ScaleCache
    from vtbench.networks.next_scale.pruning import TokenPruning

TAIL = 8
"""Blocks of either tail of the published sizes."""

SIZES: dict[str, tuple[int, int]] = {**{f"d{depth}": (depth, TAIL) for depth in (16, 20, 24, 30)}, "tiny": (2, 1)}
"""Blocks on the way from a map to its logits, and those of them that are a tail's; ``tiny`` is for tests."""


class HmarNetwork(nn.Module):
    """Predicts a map of tokens from its class and the scales before, or the masked places of one from the others too.

    Names: ``class_emb``, ``pos_start``, ``pos_1LC``, ``lvl_embed``, ``word_embed.weight``, ``word_embed_bias``,
    ``mask_embed``, ``base_blocks.N``, and of each tail ``ns`` and ``mask`` ``_blocks.N``, ``_head_nm``, ``_head``.

    Args:
        geometry: its sizes; ``depth`` counts the trunk and one tail.
        tail: blocks of a tail.
    """

    def __init__(self, geometry: VarGeometry, tail: int = TAIL) -> None:
        super().__init__()
        self.geometry = geometry
        width, schedule = geometry.width, geometry.schedule
        self.class_emb = nn.Embedding(geometry.classes + 1, width)
        self.pos_start = nn.Parameter(torch.randn(1, 1, width) * width**-0.5)
        self.pos_1LC = nn.Parameter(torch.randn(1, schedule.tokens, width) * width**-0.5)
        self.lvl_embed = nn.Embedding(len(schedule), width)
        self.word_embed = nn.Linear(geometry.channels, width, bias=False)
        self.word_embed_bias = nn.Parameter(torch.zeros(width))
        self.mask_embed = nn.Embedding(1, width)
        self.base_blocks = self._blocks(geometry.depth - tail)
        self.ns_blocks, self.mask_blocks = self._blocks(tail), self._blocks(tail)
        self.ns_head_nm, self.mask_head_nm = AdaLayerNorm(width), AdaLayerNorm(width)
        self.ns_head, self.mask_head = (nn.Linear(width, geometry.vocabulary) for _ in range(2))

    def _blocks(self, count: int) -> nn.ModuleList:
        sizes = self.geometry
        return nn.ModuleList(AdaLayerNormBlock(sizes.width, sizes.heads, cosine=sizes.cosine) for _ in range(count))

    def make_cache(self, rows: int, positions: int) -> None:
        """None is needed."""

    def conditioned(self, shown: Tensor) -> Tensor:
        """Labels ``int64 [R]``, ``classes`` for none, to ``[R,width]``."""
        embedded: Tensor = self.class_emb(shown)
        return embedded

    def step(
        self,
        maps: Sequence[Tensor | None],
        first: int,
        condition: Tensor,
        cache: ScaleCache | None = None,
        pruning: TokenPruning | None = None,
    ) -> Tensor:
        """As :meth:`vtbench.generators.sampling.next_scale.strategy.NextScaleHost.step`, but for what a scale sees."""
        entered = [self._entered(seen, first + number, condition) for number, seen in enumerate(maps)]
        lengths = self.geometry.schedule.lengths[first : first + len(maps)]
        mask = block_diagonal(lengths, condition.device)
        x = self._through(
            (*self.base_blocks, *self.ns_blocks), torch.cat(entered, dim=1), condition, mask, cache, pruning
        )
        if cache is not None:
            cache.advance(x.shape[1])
        logits: Tensor = self.ns_head(self.ns_head_nm(x, condition))
        return logits

    def filled(self, seen: Tensor, own: Tensor, masked: Tensor, scale: int, condition: Tensor) -> Tensor:
        """Logits ``[R,T,V]`` of all places of a scale, given the tokens of those that are not masked.

        Args:
            seen: what the scale is predicted from, ``[R,C,h,w]``.
            own: what its own tokens add to that, ``[R,C,h,w]``.
            masked: places ``int64 [R,M]`` whose tokens stay unseen.
            scale: k, 1 or more.
            condition: of :meth:`conditioned`.
        """
        hidden = self.mask_embed.weight[0].expand(*masked.shape, -1)
        told = self._words(own).scatter(1, masked[..., None].expand_as(hidden), hidden)
        x = self._words(seen) + told + self.word_embed_bias + self._places(scale)
        x = self._through((*self.base_blocks, *self.mask_blocks), x, condition, None, None, None)
        logits: Tensor = self.mask_head(self.mask_head_nm(x, condition))
        return logits

    def _through(
        self,
        blocks: Iterable[nn.Module],
        x: Tensor,
        condition: Tensor,
        mask: Tensor | None,
        cache: ScaleCache | None,
        pruning: TokenPruning | None,
    ) -> Tensor:
        for layer, block in enumerate(blocks):
            x = block(x, condition, mask, cache, layer, pruning)
        return x

    def _entered(self, seen: Tensor | None, scale: int, condition: Tensor) -> Tensor:
        if seen is None:
            return condition[:, None] + self.pos_start + self._places(scale)
        return self._words(seen) + self.word_embed_bias + self._places(scale)

    def _words(self, seen: Tensor) -> Tensor:
        words: Tensor = self.word_embed(seen.to(self.word_embed.weight.dtype).flatten(2).transpose(1, 2))
        return words

    def _places(self, scale: int) -> Tensor:
        """The embedding of the scale, and one of each of its places, ``[1,T,width]``."""
        schedule = self.geometry.schedule
        own = self.pos_1LC[:, schedule.before(scale) : schedule.before(scale + 1)]
        return self.lvl_embed.weight[scale] + own


def geometry_of(size: str, **given: object) -> tuple[VarGeometry, int]:
    """Of a published size: the geometry, and the blocks of a tail."""
    depth, tail = SIZES[size]
    return VarGeometry(depth=depth, width=64 * depth, heads=depth, **given), tail  # type: ignore[arg-type]
