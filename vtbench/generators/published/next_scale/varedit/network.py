"""VAREdit's transformer: Infinity's, and a pass over the source image before the first scale; no tensor is added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from vtbench.generators.published.next_scale.infinity.network import BlockPass, InfinityNetwork, TextCondition
from vtbench.generators.published.next_scale.infinity.positions import ScalePositions, scale_table
from vtbench.generators.published.next_scale.infinity.schedules import full_schedule
from vtbench.generators.published.next_scale.varedit.cache import SourceCache
from vtbench.networks.rotary import grid_table

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.text.encoded import EncodedText, PromptedText
    from vtbench.networks.next_scale.attention import ScaleCache
    from vtbench.networks.next_scale.pruning import TokenPruning


@dataclass(frozen=True, eq=False)
class SourcedText:
    """What R rows are made from.

    Attributes:
        text: the instruction.
        source: latents of the image to edit, as tokens of the last scale: ``float32 [R,bits,h,w]``.
    """

    text: EncodedText
    source: Tensor


@dataclass(frozen=True, eq=False)
class PromptedEdit:
    """Instructions and sources of a batch, as the loop takes conditions; the source stays where the text goes.

    Attributes:
        texts: the instructions, and what stands for none.
        source: ``float32 [B,bits,h,w]``.
    """

    texts: PromptedText
    source: Tensor

    @property
    def device(self) -> torch.device:
        """Where sampling happens."""
        return self.texts.device

    @property
    def conditional(self) -> SourcedText:
        """B rows."""
        return SourcedText(self.texts.conditional, self.source)

    def doubled(self) -> SourcedText:
        """Both halves, the conditional first."""
        return SourcedText(self.texts.doubled(), self.source.repeat(2, 1, 1, 1))


@dataclass(frozen=True, eq=False)
class SourcedCondition(TextCondition):
    """What every pass takes.

    Attributes:
        source: what enters block 0 for the image to edit, ``[R,T,width]``.
    """

    source: Tensor


class SourcePositions(ScalePositions):
    """Rotations of the source, then of every scale.

    The table holds a source of the finest sides, whose rows and columns follow on those of the image, then the scales.
    As in the authors' code, the tokens of a schedule that ends earlier take the rows of this table one after the other:
    those of its smaller source the first, and its scales the rows behind, which are the source's still.
    """

    def source(self, device: torch.device) -> Tensor:
        """``float32 [T,head_width/2,2]``."""
        return self._held.on(device)[: self._schedule.lengths[-1]]

    def rotations(self, first: int, scales: int, device: torch.device) -> Tensor:
        """As of :class:`ScalePositions`."""
        begin, end = (self._schedule.lengths[-1] + self._schedule.before(scale) for scale in (first, first + scales))
        return self._held.on(device)[begin:end]

    def _table(self) -> Tensor:
        height, width = self._finest
        doubled = grid_table(2 * height, 2 * width, self._head_width).view(2 * height, 2 * width, -1, 2)
        source = doubled[height:, width:].flatten(0, 1)
        return torch.cat([source, scale_table(full_schedule(self._finest), self._finest, self._head_width)])


class VarEditNetwork(InfinityNetwork):
    """Predicts an edited image from its source, an instruction and the scales before. Names: those of Infinity."""

    def _make_positions(self) -> ScalePositions:
        geometry = self.geometry
        return SourcePositions(geometry.schedule, geometry.finest, geometry.head_width)

    def make_cache(self, rows: int, positions: int) -> SourceCache:
        """An empty cache with room for the source before so many positions."""
        schedule = self.geometry.schedule
        held = super().make_cache(rows, schedule.lengths[-1] + positions)
        assert held is not None
        return SourceCache(held, schedule.sizes[-1])

    def conditioned(self, shown: SourcedText) -> SourcedCondition:  # type: ignore[override]
        """Text and source of R rows to what every pass takes of them."""
        text = super().conditioned(shown.text)
        last = len(self.geometry.schedule) - 1
        source = self._entered(shown.source, last, text)
        return SourcedCondition(text.pooled, text.modulation, text.text, text.mask, source)

    def step(
        self,
        maps: Sequence[Tensor | None],
        first: int,
        condition: TextCondition,
        cache: ScaleCache | None,
        pruning: TokenPruning | None = None,
    ) -> Tensor:
        """As of :class:`InfinityNetwork`. The source goes first into an empty cache; scales go one after the other, for
        what block 0 sees of the source differs from scale to scale. Without a cache, ``first`` is 0."""
        if cache is None:
            cache = self.make_cache(len(condition.pooled), self.geometry.schedule.before(len(maps)))
        assert isinstance(condition, SourcedCondition) and isinstance(cache, SourceCache)
        if not cache.length:
            rotations = self._positions.source(condition.source.device)  # type: ignore[attr-defined]
            self._through(condition.source, BlockPass(condition, None, cache, rotations, None))
        found = []
        for scale, seen in enumerate(maps, first):
            cache.at(self.geometry.schedule.sizes[scale])
            found.append(super().step([seen], scale, condition, cache, pruning))
        return torch.cat(found, dim=1)
