"""Everything that moves a sample of a next-scale generator, beside its weights: one frozen value, recorded whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.draws import IN_WORDS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import FROM_BOTH, NONE_AT, Formula, Schedule, as_recorded
from vtbench.generators.sampling.next_scale.ramps import Ramp
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.generators.sampling.next_scale.strategy import ScaleStrategy


@dataclass(frozen=True)
class ScaleSettings:
    """How the tokens of each scale are drawn: guidance on the logits, then the filters, then the draw.

    Attributes:
        schedule: of the scales.
        filters: of all scales, or as many as there are scales.
        guidance: its strength at each scale.
        formula: what the strength means.
        guided_scales: so many of the first scales are guided, and the others by the condition alone; ``None`` for all.
        draw: the rule by which a token is drawn.
        strategy: the way through the scales.
        parts: that a token is drawn in, beside one another: its bits.

    Raises:
        UsageError: filters for another number of scales, or a count below 0.
    """

    schedule: ScaleSchedule
    filters: tuple[Filters, ...] = (Filters(),)
    guidance: Schedule = field(default_factory=lambda: Ramp(0.0))
    formula: Formula = FROM_BOTH
    guided_scales: int | None = None
    draw: DrawRule = "inverse-cdf"
    strategy: ScaleStrategy = field(default_factory=ScaleStrategy)
    parts: int = 1

    def __post_init__(self) -> None:
        if len(self.filters) not in (1, len(self.schedule)):
            raise UsageError(f"filters for {len(self.filters)} scales, but there are {len(self.schedule)}")
        if self.guided_scales is not None and self.guided_scales < 0:
            raise UsageError(f"guided_scales={self.guided_scales}: must be 0 or more", "0 guides no scale")

    def filters_of(self, scale: int) -> Filters:
        """Of scale k."""
        return self.filters[scale if len(self.filters) > 1 else 0]

    def strengths(self) -> tuple[float, ...]:
        """Of guidance at every scale."""
        none, count = NONE_AT[self.formula], len(self.schedule)
        until = count if self.guided_scales is None else self.guided_scales
        return tuple(self.guidance.strength(scale, count) if scale < until else none for scale in range(count))

    def notes(self) -> tuple[str, ...]:
        """What a reader of the numbers must know."""
        return self.strategy.notes()

    def as_recorded(self) -> dict[str, Any]:
        """Every setting by name, formula and order in words; as a list where scales are filtered differently."""
        each = [filters.as_recorded() for filters in self.filters]
        told = {name: [filters.get(name) for filters in each] for one in each for name in one}
        filters = {name: found[0] if all(one == found[0] for one in found) else found for name, found in told.items()}
        return {
            "scales": self.schedule.as_recorded(),
            **filters,
            **as_recorded(self.guidance, self.formula),
            **({} if self.guided_scales is None else {"guided_scales": self.guided_scales}),
            "logits_dtype": "float32",
            "draw": IN_WORDS[self.draw],
            **({"draws_a_token": self.parts} if self.parts > 1 else {}),
            **self.strategy.as_recorded(),
        }
