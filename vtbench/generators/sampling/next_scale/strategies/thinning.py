"""Positions of wide scales left out of the blocks, and the last scales left out altogether: FastVAR's way.

Guo et al., FastVAR: Linear Visual Autoregressive Modeling via Cached Token Pruning, 2503.23367. Which positions a
branch computes, and what the others get, follows csguoh/FastVAR (34cdd65): held against it with random outputs at sides
of 32 and 40, the positions that are computed and what fills the rest are equal bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch.nn.functional as F

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.generators.sampling.next_scale.strategies.forgetting import Everything
from vtbench.generators.sampling.next_scale.strategy import ScaleStrategy
from vtbench.networks.next_scale.budgeted_cache import BudgetedCache

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.networks.next_scale.attention import ScaleMemory
    from vtbench.networks.next_scale.pruning import Place

FIRST_LAYER, LAST_LAYERS = 3, 4
"""Blocks at the beginning and at the end that compute everything: 3 to 27 of 32 do not."""


@dataclass(frozen=True, kw_only=True)
class Thinning(ScaleStrategy):
    """Branches of the middle blocks compute a part of the positions of some scales.

    Attributes:
        schedule: of the scales.
        depth: blocks.
        ratios: by scale, the share of positions that is left out: at least 0, below 1.
        skipped: so many of the last scales are not predicted at all.

    Raises:
        UsageError: a share out of range, a scale with none before it, no scale left, or too few blocks.
    """

    schedule: ScaleSchedule
    depth: int
    ratios: Mapping[int, float] = field(default_factory=dict)
    skipped: int = 0

    def __post_init__(self) -> None:
        for scale, ratio in self.ratios.items():
            if not 0 <= ratio < 1:
                raise UsageError(f"prune: a share of {ratio}: must be 0 or more and below 1", "0 leaves nothing out")
            if not 0 < scale < len(self.schedule):
                raise UsageError(f"prune: scale {scale} has no scale before it whose outputs would fill it")
        if not 0 <= self.skipped < len(self.schedule):
            raise UsageError(f"skipped_scales={self.skipped}: must be 0 to {len(self.schedule) - 1}")
        if any(self.ratios.values()) and self.depth <= FIRST_LAYER + LAST_LAYERS:
            raise UsageError(
                f"strategy=fastvar leaves the first {FIRST_LAYER} blocks and the last {LAST_LAYERS} alone; "
                f"this network has {self.depth}"
            )

    @property
    def pruned(self) -> dict[int, float]:
        """Shares of the scales of which something is left out."""
        return {scale: ratio for scale, ratio in sorted(self.ratios.items()) if ratio}

    def as_recorded(self) -> dict[str, Any]:
        """Every setting."""
        shares = {"x".join(map(str, self.schedule.sizes[scale])): ratio for scale, ratio in self.pruned.items()}
        return {
            "strategy": "fastvar",
            "strategy_pruned": shares,
            "strategy_pruned_blocks": [FIRST_LAYER, self.depth - LAST_LAYERS - 1],
            "strategy_skipped_scales": self.skipped,
            "strategy_lossless": not self.pruned and not self.skipped,
        }

    def notes(self) -> tuple[str, ...]:
        """What is left out."""
        told = []
        if self.pruned:
            told.append("strategy=fastvar leaves positions out: its images are not of the model's own distribution")
        if self.skipped:
            told.append(
                f"strategy=fastvar skips the last {self.skipped} of {len(self.schedule)} scales: images are decoded "
                "from the sum of the others"
            )
        return tuple(told)

    def scales(self, schedule: ScaleSchedule) -> int:
        """All but the last ones."""
        return len(schedule) - self.skipped

    def cache(self, host: Any, rows: int, positions: int) -> ScaleMemory | None:
        """Where positions are left out, a layer keeps keys and values of as many as it was given."""
        if not self.pruned:
            return super().cache(host, rows, positions)
        return BudgetedCache(host.geometry.cache(positions), rows, host.make_cache(rows, 0), Everything())

    def pruning(self, schedule: ScaleSchedule) -> PrunedPositions | None:
        """One a batch; none where every position is computed."""
        return PrunedPositions(self) if self.pruned else None


class PrunedPositions:
    """Which positions a batch computes, row by row; the others get the outputs of the last whole scale, resized.

    Args:
        thinning: the strategy.
    """

    def __init__(self, thinning: Thinning) -> None:
        self._thinning, self._scale = thinning, 0
        self._source = min(thinning.pruned) - 1
        self._outputs: dict[Place, Tensor] = {}
        self._places: set[Place] = set()
        self._left_out = 0

    def at(self, scale: int) -> None:
        """See :class:`~vtbench.networks.next_scale.pruning.TokenPruning`."""
        self._scale = scale

    @property
    def spared(self) -> int:
        """Positions that were not computed so far, the mean over all branches of all blocks, rounded down."""
        return self._left_out // max(len(self._places), 1)

    def kept(self, place: Place, x: Tensor) -> Tensor | None:
        """The positions ``int64 [R,T']`` of ``x [R,T,width]`` that are farthest from the mean of its row, ascending."""
        self._places.add(place)
        rows, count = x.shape[:2]
        left_out = int(self._thinning.pruned.get(self._scale, 0.0) * count) if self._middle(place) else 0
        if not left_out:
            return None
        self._left_out += rows * left_out
        wide = x.float()
        distance = (wide - wide.mean(dim=1, keepdim=True)).square().sum(dim=-1)
        return distance.argsort(dim=1, descending=True, stable=True)[:, : count - left_out].sort(dim=1).values

    def restored(self, place: Place, computed: Tensor, kept: Tensor | None) -> Tensor:
        """``[R,T',width]`` to ``[R,T,width]``: the rest from the same branch's output at the last whole scale."""
        if self._scale == self._source and self._middle(place):
            self._outputs[place] = computed
        if kept is None:
            return computed
        sizes = self._thinning.schedule.sizes
        before = self._outputs[place][: len(computed)]  # guidance may have ended since
        whole = before.mT.reshape(*before.mT.shape[:2], *sizes[self._source])
        filled = F.interpolate(whole.float(), size=sizes[self._scale], mode="area").flatten(2).mT.to(computed.dtype)
        return filled.scatter(1, kept[..., None].expand_as(computed), computed)

    def _middle(self, place: Place) -> bool:
        return FIRST_LAYER <= place[0] < self._thinning.depth - LAST_LAYERS
