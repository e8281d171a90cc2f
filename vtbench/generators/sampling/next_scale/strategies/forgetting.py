"""Strategies that keep less than all keys and values: a policy says what stays after every scale."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.next_scale.strategy import ScaleStrategy
from vtbench.networks.next_scale.budgeted_cache import BudgetedCache, CachePolicy, Look

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.networks.next_scale.attention import ScaleMemory

EVERYTHING = "all that was kept, and the whole new scale"


class RecordedPolicy(CachePolicy, Protocol):
    """A policy that tells all of itself."""

    def as_recorded(self) -> dict[str, Any]:
        """Its name, and every setting, under names that begin with ``strategy``."""

    def suits(self, generator: Any) -> None:
        """As :meth:`vtbench.generators.sampling.next_scale.strategy.ScaleStrategy.suits`."""


@dataclass(frozen=True)
class Forgetting(ScaleStrategy):
    """The plain way, over a cache that forgets. Attention itself sees all that was kept and the whole new scale.

    Attributes:
        policy: what stays after a scale.
    """

    policy: RecordedPolicy

    def as_recorded(self) -> dict[str, Any]:
        """Every setting of the policy, what attention sees, and that images are others than the host's."""
        return {**self.policy.as_recorded(), "strategy_attended": EVERYTHING, "strategy_lossless": False}

    def notes(self) -> tuple[str, ...]:
        """That it is lossy."""
        name = self.policy.as_recorded()["strategy"]
        return (f"strategy={name} forgets keys and values: its images are not of the model's own distribution",)

    def suits(self, generator: Any) -> None:
        """As the policy finds."""
        self.policy.suits(generator)

    def cache(self, host: Any, rows: int, positions: int) -> ScaleMemory:
        """One that forgets, in the precision of the host's own."""
        return BudgetedCache(host.geometry.cache(positions), rows, host.make_cache(rows, 0), self.policy)


@dataclass(frozen=True)
class Everything:
    """All that a layer is given stays, which may be more in one layer than in another."""

    cumulative: bool = field(default=False, init=False)

    def groups(self, layer: int, heads: int) -> Sequence[Sequence[int]]:
        """All heads."""
        return (range(heads),)

    def granted(self, layer: int, group: int, scale: int) -> int:
        """Whatever there is."""
        return sys.maxsize

    def importance(self, look: Look) -> Tensor:
        """Of equal importance."""
        return look.before


@dataclass(frozen=True)
class CurrentScale:
    """Nothing stays: a scale sees itself alone, as in HMAR, and the map that it is predicted from."""

    cumulative: bool = field(default=False, init=False)

    def as_recorded(self) -> dict[str, Any]:
        """Its name."""
        return {"strategy": "current-scale", "strategy_budget_kept": 0.0}

    def suits(self, generator: Any) -> None:
        """Every host."""

    def groups(self, layer: int, heads: int) -> Sequence[Sequence[int]]:
        """All heads."""
        return (range(heads),)

    def granted(self, layer: int, group: int, scale: int) -> int:
        """None."""
        return 0

    def importance(self, look: Look) -> Tensor:
        """Of equal importance."""
        return look.before


def require_share(name: str, share: float) -> None:
    """Refuse what is no share; raises ``UsageError``."""
    if not 0 < share <= 1:
        raise UsageError(f"{name}={share}: must be above 0 and at most 1", "1 keeps everything")
