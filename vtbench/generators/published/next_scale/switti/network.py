"""Switti's transformer in the names of its published files: a text, then the token maps of an image, scale by scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from vtbench.generators.published.next_scale.switti.blocks import BlockCondition, BlockPass, SwittiBlock
from vtbench.generators.published.next_scale.switti.positions import SpreadPositions
from vtbench.networks.key_value_cache import KeyValueCache
from vtbench.networks.next_scale.blocks import AdaLayerNorm
from vtbench.networks.next_scale.masks import block_causal, block_diagonal

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.published.next_scale.switti.geometry import SwittiGeometry
    from vtbench.generators.text.clip import PooledText

WHOLE_IMAGE = (512.0, 512.0, 0.0, 0.0)
"""Height and width of the training image, rows and columns cut off above and on the left: what the authors sample with,
at 1024 pixels too."""


@dataclass(frozen=True, eq=False)
class SwittiCondition:
    """What every pass takes of R texts.

    Attributes:
        pooled: ``[R,width]``: the start, and what modulates the head.
        blocks: what each block made of them.
        mask: ``bool [R,S]`` of the text.
    """

    pooled: Tensor
    blocks: tuple[BlockCondition, ...]
    mask: Tensor


class CropWaves(nn.Module):
    """Four numbers as sines and cosines of fixed random frequencies. Name: ``weight``, which no training moved."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(width // 8), requires_grad=False)

    def forward(self, crop: Tensor) -> Tensor:
        """``[4]`` to ``[1,width]``."""
        angles = crop[:, None] * self.weight * 2 * math.pi
        return torch.cat([angles.sin(), angles.cos()], dim=-1).flatten()[None]


class SwittiNetwork(nn.Module):
    """Predicts the token maps of an image from text and the scales before.

    Names: ``word_embed``, ``text_pooler``, ``pos_start``, ``lvl_embed``, ``blocks.N``, ``crop_embed``, ``crop_proj``,
    ``head_nm``, ``head``.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: SwittiGeometry) -> None:
        super().__init__()
        self.geometry = geometry
        width = geometry.width
        self.word_embed = nn.Linear(geometry.channels, width)
        self.text_pooler = nn.Linear(geometry.text_widths[1], width)
        self.pos_start = nn.Parameter(torch.randn(1, 1, width) * (3 * width) ** -0.5)
        self.lvl_embed = nn.Embedding(len(geometry.schedule), width)
        self.blocks = nn.ModuleList(SwittiBlock(geometry) for _ in range(geometry.depth))
        self.crop_embed = CropWaves(width)
        self.crop_proj = nn.Linear(width, width)
        self.head_nm = AdaLayerNorm(width)
        self.head = nn.Linear(width, geometry.vocabulary)
        self._positions = SpreadPositions(geometry)

    def make_cache(self, rows: int, positions: int) -> KeyValueCache | None:
        """An empty cache in the precision of the weights; none is needed where a scale sees itself alone."""
        if not self.geometry.causal:
            return None
        return KeyValueCache(self.geometry.cache(positions), rows, self.head.weight)

    def conditioned(self, shown: PooledText) -> SwittiCondition:
        """Features ``[R,S,text_width]`` and pooled text to what every pass takes of them."""
        dtype, device = self.pos_start.dtype, self.pos_start.device
        pooled, text = self.text_pooler(shown.pooled.to(dtype)), shown.features.to(dtype)
        crop = self.crop_proj(self.crop_embed(torch.tensor(WHOLE_IMAGE, dtype=dtype, device=device)))
        return SwittiCondition(
            pooled, tuple(block.conditioned(pooled, crop, text) for block in self._blocks()), shown.mask
        )

    def step(
        self,
        maps: Sequence[Tensor | None],
        first: int,
        condition: SwittiCondition,
        cache: KeyValueCache | None,
        pruning: None = None,
    ) -> Tensor:
        """As :meth:`vtbench.generators.sampling.next_scale.strategy.NextScaleHost.step`, but that a scale sees itself
        alone unless the geometry is causal, and that no strategy leaves positions out."""
        x = torch.cat([self._entered(seen, first + number, condition) for number, seen in enumerate(maps)], dim=1)
        lengths = self.geometry.schedule.lengths[first : first + len(maps)]
        past = 0 if cache is None else cache.length
        causal = self.geometry.causal
        mask = block_causal(lengths, past, x.device) if causal else block_diagonal(lengths, x.device)
        given = BlockPass(condition.mask, mask, cache, self._positions.rotations(first, len(maps), x.device))
        for layer, (block, own) in enumerate(zip(self.blocks, condition.blocks, strict=True)):
            x = block(x, own, layer, given)
        if cache is not None:
            cache.advance(x.shape[1])
        logits: Tensor = self.head(self.head_nm(x, condition.pooled))
        return logits

    def _blocks(self) -> list[SwittiBlock]:
        return [block for block in self.blocks if isinstance(block, SwittiBlock)]

    def _entered(self, seen: Tensor | None, scale: int, condition: SwittiCondition) -> Tensor:
        """What enters block 0 for scale k: ``[R,T,width]`` of a map ``[R,C,h,w]``, or of the text for scale 0."""
        if seen is None:
            entered = condition.pooled[:, None] + self.pos_start
        else:
            entered = self.word_embed(seen.to(self.pos_start.dtype).flatten(2).transpose(1, 2))
        return entered + self.lvl_embed.weight[scale]
