"""Budgets of layers: ScaleKV's cache policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.generators.sampling.next_scale.strategies.forgetting import require_share
from vtbench.generators.sampling.next_scale.strategies.importance import grid_centres, raw_scores

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.networks.next_scale.budgeted_cache import Look


@dataclass(frozen=True, kw_only=True)
class LayerBudgets:
    """ScaleKV's (Li et al. 2025, 2505.19602): few layers keep everything, and the others share what they leave.

    All layers together keep ``depth · capacity`` positions a head after every scale, where ``capacity`` is the budget's
    share of the positions before the last scale, so that the more a large layer holds the less is left for the others.
    This is the rule behind the authors' tables (StargazerX0/ScaleKV, eb0615a), within 21 positions of them. In a small
    layer each head keeps the middle of every cell of a grid of the newest scale, and of the rest what
    :func:`.importance.raw_scores` finds. Held against that code with random queries and keys at four scales of 1M, the
    scores of what is kept are equal; of equal scores at the cut it keeps others, one or two of a head.

    Attributes:
        schedule: of the scales.
        depth: layers.
        budget: above 0, at most 1.
        large: layers that keep everything.
        grid: cells along a side.
        pool: neighbours that share a score.

    Raises:
        UsageError: a budget out of range, or a layer that is none.
    """

    schedule: ScaleSchedule
    depth: int
    budget: float
    large: tuple[int, ...] = ()
    grid: int = 4
    pool: int = 5
    cumulative: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        require_share("budget", self.budget)
        if any(not 0 <= layer < self.depth for layer in self.large):
            raise UsageError(f"large_layers={list(self.large)}: layers are 0 to {self.depth - 1}")

    @property
    def capacity(self) -> int:
        """Positions that a head of a layer keeps, the mean over layers."""
        return max(round(self.budget * self.schedule.before(len(self.schedule) - 1)), self.grid**2)

    def as_recorded(self) -> dict[str, Any]:
        """Every setting."""
        return {
            "strategy": "scalekv",
            "strategy_budget_kept": self.budget,
            "strategy_capacity": self.capacity,
            "strategy_large_layers": list(self.large),
            "strategy_score": f"raw queries of a {self.grid}x{self.grid} grid, pooled over {self.pool}",
        }

    def suits(self, generator: Any) -> None:
        """Every host of so many layers, which is what it was made for."""

    def groups(self, layer: int, heads: int) -> Sequence[Sequence[int]]:
        """All heads: each keeps as many, but its own."""
        return (range(heads),)

    def granted(self, layer: int, group: int, scale: int) -> int:
        """All in a large layer; in the others an equal part of what these leave, a window at least."""
        given = self.schedule.before(scale + 1)
        if layer in self.large or given <= self.capacity:
            return given
        left = self.depth * self.capacity - len(self.large) * given
        return max(left // (self.depth - len(self.large)), self.grid**2)

    def importance(self, look: Look) -> Tensor:
        """The window before all, then the scores. Where a map has no grid, the last positions are the window."""
        height, width = self.schedule.sizes[look.scale]
        window = grid_centres(height, width, self.grid, look.key.device)
        if not len(window):
            count = look.query.shape[2]
            window = torch.arange(max(0, count - self.grid**2), count, device=look.key.device)
        found = raw_scores(look, window, self.pool)
        return found.index_fill(-1, found.shape[-1] - look.query.shape[2] + window, torch.inf)
