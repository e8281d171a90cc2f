"""Budgets of heads: HACK's cache policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.generators.sampling.next_scale.strategies.calibration import Calibration, identity
from vtbench.generators.sampling.next_scale.strategies.forgetting import require_share
from vtbench.generators.sampling.next_scale.strategies.importance import mean_attention

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.networks.next_scale.budgeted_cache import Look

FIRST_SCALES = 2
"""Scales that heads of structure keep, whatever came since."""


@dataclass(frozen=True, kw_only=True)
class HeadBudgets:
    """HACK's (Qin et al. 2025, 2504.09261): heads of contents keep few positions, heads of structure keep more.

    Heads of contents keep what the scales so far looked at most, added up. Heads of structure keep the first two scales
    and the newest, as far as the budget goes, and between them what the newest looked at. Written from descriptions of
    the paper, since there is no code; its merging of what is dropped in the last step is left out.

    Attributes:
        schedule: of the scales.
        calibration: tells the heads apart.
        budget: share of the positions so far that all heads keep together after a scale.
        contextual_budget: the same of heads of contents; a quarter of ``budget`` unless heads of structure cannot take
            up what is left.
        queries: of a scale, evenly spaced, whose attention counts.

    Raises:
        UsageError: a budget out of range.
    """

    schedule: ScaleSchedule
    calibration: Calibration
    budget: float
    contextual_budget: float | None = None
    queries: int = 32
    cumulative: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        require_share("budget", self.budget)
        if self.contextual_budget is not None:
            require_share("contextual_budget", self.contextual_budget)

    @cached_property
    def contextual(self) -> tuple[tuple[int, ...], ...]:
        """Of each layer, the heads of contents."""
        return self.calibration.contextual()

    @property
    def shares(self) -> tuple[float, float]:
        """Of the positions so far: what a head of contents keeps, and one of structure; their mean is the budget."""
        total = sum(len(layer) for layer in self.calibration.variances)
        part = sum(len(heads) for heads in self.contextual) / total
        few = self.budget / 4 if self.contextual_budget is None else self.contextual_budget
        if part == 1.0:
            return self.budget, 0.0
        many = (self.budget - part * few) / (1 - part)
        if 0 <= many <= 1:
            return few, many
        many = min(max(many, 0.0), 1.0)
        return (self.budget - (1 - part) * many) / part, many

    def as_recorded(self) -> dict[str, Any]:
        """Every setting."""
        few, many = self.shares
        return {
            "strategy": "hack",
            "strategy_budget_kept": self.budget,
            "strategy_budget_contextual": few,
            "strategy_budget_structural": many,
            "strategy_contextual_heads": sum(map(len, self.contextual)),
            "strategy_queries": self.queries,
            "strategy_calibration": self.calibration.digest,
        }

    def suits(self, generator: Any) -> None:
        """The host that was calibrated."""
        self.calibration.require(identity(generator))

    def groups(self, layer: int, heads: int) -> Sequence[Sequence[int]]:
        """Heads of contents, then those of structure; one group where all are of a kind."""
        few = self.contextual[layer]
        many = [head for head in range(heads) if head not in few]
        return [group for group in (few, many) if group]

    def granted(self, layer: int, group: int, scale: int) -> int:
        """Its share of the positions so far, rounded up."""
        given, share = self.schedule.before(scale + 1), self.shares[0 if self._of_contents(layer, group) else 1]
        return min(given, -int(-share * given // 1))

    def importance(self, look: Look) -> Tensor:
        """What was looked at, the first scales and the newest lifted above it in heads of structure."""
        found = mean_attention(look, self.queries)
        if self._of_contents(look.layer, look.group):
            return look.before + found
        first = look.places < self.schedule.before(min(FIRST_SCALES, len(self.schedule)))
        newest = look.places >= self.schedule.before(look.scale)
        return found + 2.0 * newest + 4.0 * first

    def _of_contents(self, layer: int, group: int) -> bool:
        return group == 0 and bool(self.contextual[layer])
