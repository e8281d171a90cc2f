"""How many places stay masked after each step (MaskGIT's mask schedules), by name."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

MaskSchedule = Literal["arccos", "cosine", "linear"]

_SHARES: dict[MaskSchedule, Callable[[float], float]] = {
    "arccos": lambda progress: math.acos(progress) / (math.pi / 2),
    "cosine": lambda progress: math.cos(math.pi / 2 * progress),
    "linear": lambda progress: 1 - progress,
}
_ROUNDING = 1e-9
"""A share of places that is whole but for its rounding counts as whole."""


def masked_places(schedule: MaskSchedule, places: int, step: int, steps: int) -> int:
    """Places that the schedule leaves masked after step ``step`` of ``steps``, rounded down: 0 after the last.

    The loop keeps at least one masked before the last step, and fills at least one a step, whatever is asked here.

    Args:
        schedule: share of masked places at a progress of ``(step + 1) / steps``.
        places: of an image.
        step: from 0.
        steps: in all.
    """
    share = _SHARES[schedule]((step + 1) / steps)
    return math.floor(places * max(share, 0.0) + _ROUNDING)
