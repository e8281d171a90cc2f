"""Everything that moves a sample of ControlVAR, beside its weights: guidance of four branches, filters, the draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.draws import IN_WORDS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.next_scale.ramps import Ramp
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.generators.sampling.next_scale.strategy import ScaleStrategy

Control = Literal["mask", "canny", "depth", "normal"]
CONTROLS: tuple[Control, ...] = get_args(Control)
NO_CONTROL = len(CONTROLS)
"""Stands for a control map of no kind."""

BRANCHES = 4
"""Class, kind and control map; kind and map; the map; nothing."""
NOTHING = BRANCHES - 1
FORMULA = "(1 + a) l(y,k,x) + (b - a) l(k,x) + (c - b) l(x) - c l(), logits; y class, k kind of control, x control map"


@dataclass(frozen=True)
class ControlSettings:
    """How the tokens of each pair are drawn.

    Attributes:
        schedule: of the scales of one map.
        filters: of all scales.
        cfg_scale: a, b and c of :data:`FORMULA` at the last scale; each grows evenly from 0 at the first.
        draw: the rule by which a token is drawn.
        control: kind of the control map.

    Raises:
        UsageError: not three strengths, a negative one, or no such kind.
    """

    strategy: ClassVar[ScaleStrategy] = ScaleStrategy()
    """The plain way: none goes through pairs of maps."""

    schedule: ScaleSchedule
    filters: Filters
    cfg_scale: tuple[float, ...]
    draw: DrawRule
    control: Control

    def __post_init__(self) -> None:
        if len(self.cfg_scale) != BRANCHES - 1:
            raise UsageError(
                f"cfg_scale={list(self.cfg_scale)}: must be one number, or three",
                "strengths for the class, the kind of control and the control map, e.g. cfg_scale=[4,4,4]",
            )
        for scale in self.cfg_scale:
            Ramp(scale)
        if self.control not in CONTROLS:
            raise UsageError(
                f"control={self.control!r}: no such kind of control image", f"one of {', '.join(CONTROLS)}"
            )

    @property
    def kind(self) -> int:
        """Number of the kind of control map."""
        return CONTROLS.index(self.control)

    def factors(self, scale: int) -> tuple[float, float, float, float]:
        """Of each branch at scale k."""
        a, b, c = (Ramp(strength).strength(scale, len(self.schedule)) for strength in self.cfg_scale)
        return 1 + a, b - a, c - b, -c

    def branches(self) -> tuple[int, ...]:
        """Those that count at any scale: where strengths are equal, the branch between them is left out."""
        every = [self.factors(scale) for scale in range(len(self.schedule))]
        return tuple(branch for branch in range(BRANCHES) if any(factors[branch] for factors in every))

    def notes(self) -> tuple[str, ...]:
        """What a reader of the numbers must know: nothing."""
        return ()

    def as_recorded(self) -> dict[str, Any]:
        """Every setting by name, formula and order in words."""
        return {
            "scales": self.schedule.as_recorded(),
            "control": self.control,
            **self.filters.as_recorded(),
            "cfg_schedule": Ramp.name,
            "cfg_scale": list(self.cfg_scale),
            "cfg_formula": FORMULA,
            "cfg_branches": "each draws maps of its own from the guided logits; those with x are given the control map",
            "logits_dtype": "float32",
            "draw": IN_WORDS[self.draw],
        }
