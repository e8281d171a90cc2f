"""Infinity's scale schedules: 15 aspect ratios, each cut off at four numbers of pixels. Data; no torch.

Source: FoundationVision/Infinity, 4c27bbb, ``infinity/utils/dynamic_resolution.py``.
"""

from __future__ import annotations

from typing import Literal, get_args

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.tokenizers.published.infinity_bsq import SCALES

Pixels = Literal["0.06M", "0.25M", "0.60M", "1M"]
Sides = tuple[int, int]

FACTOR = 16
"""Pixels along a side of a token."""
COUNTS: dict[Pixels, int] = {"0.06M": 7, "0.25M": 10, "0.60M": 12, "1M": 13}
"""Scales of an image of so many pixels."""

_UPRIGHT: dict[float, str] = {
    1.25: "1x1 2x2 3x3 5x4 10x8 15x12 20x16 25x20 30x24 35x28 45x36 55x44 70x56",
    1.333: "1x1 2x2 4x3 8x6 12x9 16x12 20x15 24x18 28x21 36x27 48x36 60x45 72x54",
    1.5: "1x1 2x2 3x2 6x4 9x6 15x10 21x14 27x18 33x22 39x26 48x32 63x42 78x52",
    1.75: "1x1 2x2 3x3 7x4 11x6 14x8 21x12 28x16 35x20 42x24 56x32 70x40 84x48",
    2.0: "1x1 2x2 4x2 6x3 10x5 16x8 22x11 30x15 38x19 46x23 60x30 74x37 90x45",
    2.5: "1x1 2x2 5x2 10x4 15x6 20x8 25x10 30x12 40x16 50x20 65x26 80x32 100x40",
    3.0: "1x1 2x2 6x2 9x3 15x5 21x7 27x9 36x12 45x15 54x18 72x24 90x30 111x37",
}
"""Heights and widths in tokens by height over width."""


def _inverse(ratio: float) -> float:
    """Cut off behind three digits, as the published names are."""
    return int(1 / ratio * 1000) / 1000


def _tables() -> dict[float, tuple[Sides, ...]]:
    found: dict[float, tuple[Sides, ...]] = {1.0: tuple((side, side) for side in SCALES)}
    for ratio, written in _UPRIGHT.items():
        pairs = [sides.split("x") for sides in written.split()]
        found[ratio] = tuple((int(height), int(width)) for height, width in pairs)
        found[_inverse(ratio)] = tuple((width, height) for height, width in found[ratio])
    return found


RATIOS: dict[float, tuple[Sides, ...]] = _tables()
"""All 13 scales by height over width."""


def scale_schedule(ratio: float, pixels: Pixels) -> ScaleSchedule:
    """The scales of an image of that aspect ratio and about so many pixels.

    Raises:
        UsageError: another ratio or number of pixels than the published ones.
    """
    if pixels not in COUNTS:
        raise UsageError(f"pixels={pixels!r}: must be {' or '.join(get_args(Pixels))}")
    return ScaleSchedule(_scales(ratio)[: COUNTS[pixels]])


def finest_sides(ratio: float) -> Sides:
    """Sides of the last scale of that aspect ratio, on which positions are counted however few scales an image has.

    Raises:
        UsageError: another ratio than the published ones.
    """
    return _scales(ratio)[-1]


def full_schedule(finest: Sides) -> ScaleSchedule:
    """All 13 scales of the aspect ratio whose last has these sides."""
    return ScaleSchedule(next(sizes for sizes in RATIOS.values() if sizes[-1] == finest))


def _scales(ratio: float) -> tuple[Sides, ...]:
    if ratio not in RATIOS:
        known = ", ".join(f"{known:g}" for known in sorted(RATIOS))
        raise UsageError(f"no scales for height/width {ratio:g}", f"ratio is one of {known}")
    return RATIOS[ratio]
