"""How many places stay masked after each step (MaskGIT's mask schedules), by name."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from vtbench.core.errors import UsageError

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


def left_in_order(places: int, steps: int) -> list[int]:
    """Places that stay masked after each step, where their order is drawn before (MAR): a cosine, but one less than
    before at least, and one at least until the last step, which fills all that is left.

    Here a share that is whole but for its rounding is rounded down as it is, in the order of operations of MAR's code.

    Raises:
        UsageError: more steps than places: one of them would fill none.
    """
    if steps > places:
        raise UsageError(f"steps={steps}: an image has {places} tokens, and every step fills at least one")
    counts, left = [], places
    for step in range(steps - 1):
        wanted = math.floor(places * math.cos(math.pi / 2 * (step + 1) / steps))
        left = max(1, min(left - 1, wanted))
        counts.append(left)
    return [*counts, 0]
