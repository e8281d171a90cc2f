"""What a measured curve looks like, told from its values and their intervals, and never from what was expected."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Shape = Literal["valley", "rising", "falling", "level", "other"]
"""Lowest inside and higher at both ends; never down, and higher at its end; never up, and lower; nowhere moved."""


@dataclass(frozen=True)
class Reading:
    """A value with the half width of its 95 % interval."""

    x: float
    value: float
    half: float

    def above(self, other: Reading) -> bool:
        """Higher by more than chance: than the joint half width of two independent values."""
        return self.value - other.value > math.hypot(self.half, other.half)


def shape_of(readings: Sequence[Reading]) -> Shape:
    """The shape of a curve, by differences beyond their intervals.

    Samples of two settings share their seeds, so that a difference may be surer than independent intervals say: what
    is found here is there, what is not found may be too small for so many samples.

    Args:
        readings: by ``x``, rising; two or more.
    """
    first, last = readings[0], readings[-1]
    bottom = lowest(readings)
    if not _moved(readings):
        return "level"
    if bottom not in (first, last) and first.above(bottom) and last.above(bottom):
        return "valley"
    falls, rises = _steps(readings, down=True), _steps(readings, down=False)
    if last.above(first) and not falls:
        return "rising"
    if first.above(last) and not rises:
        return "falling"
    return "other"


def _moved(readings: Sequence[Reading]) -> bool:
    return any(one.above(other) for one in readings for other in readings)


def _steps(readings: Sequence[Reading], *, down: bool) -> bool:
    """Whether any later value is lower (or higher) than an earlier one, beyond the intervals."""
    pairs = ((one, other) for place, one in enumerate(readings) for other in readings[place + 1 :])
    return any(one.above(other) if down else other.above(one) for one, other in pairs)


def lowest(readings: Sequence[Reading]) -> Reading:
    """The reading of the lowest value, the first of equal ones."""
    return min(readings, key=lambda one: one.value)
