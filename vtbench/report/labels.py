"""Names beside points: off every point and every other name, joined to theirs by a line where they stand apart."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

_NEAR = 11.0
_RADII = (_NEAR, 20.0, 30.0, 42.0, 56.0, 72.0, 92.0, 116.0, 145.0)
_DIRECTIONS = tuple(math.tau * step / 16 for step in (0, 8, 1, 15, 7, 9, 2, 14, 6, 10, 3, 13, 5, 11, 4, 12))
_CLEAR = 7.5
"""How far a name stays from the middle of a point."""

Spot = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle, in the units of the drawing."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether the two overlap."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def holds(self, spot: Spot, margin: float = 0.0) -> bool:
        """Whether a place lies in it, or nearer than ``margin``."""
        x, y = spot
        return self.left - margin < x < self.right + margin and self.top - margin < y < self.bottom + margin

    def nearest(self, spot: Spot) -> Spot:
        """The place on it that is nearest to ``spot``."""
        return min(max(spot[0], self.left), self.right), min(max(spot[1], self.top), self.bottom)


@dataclass(frozen=True)
class Name:
    """Where a name stands; ``leader`` is the end of the line from its point, if it needs one."""

    box: Box
    leader: Spot | None


def placed(
    spots: Sequence[Spot],
    widths: Sequence[float],
    height: float,
    room: Box,
    keep_off: Sequence[Spot] = (),
    reach: float = math.inf,
) -> list[Name | None]:
    """A place for the name of every spot, the first spots first; ``None`` where there is no room for it.

    Args:
        spots: the points, all of which names keep off.
        widths: of the names.
        height: of a name.
        room: where names may stand.
        keep_off: further places, such as those of a line, that names keep off where they can.
        reach: how far from its point a name may stand; one that finds no room nearer has none.
    """
    names: list[Name | None] = []
    for spot, width in zip(spots, widths, strict=True):
        boxes = [box for box in _around(spot, width, height, reach) if _inside(box, room)]
        free = [box for box in boxes if _is_free(box, spots, names)]
        clear = [box for box in free if _line_is_clear(box, spot, spots, names)]
        best = [box for box in clear if not any(box.holds(other, 2.0) for other in keep_off)]
        chosen = next(iter(best or clear or free), None)
        names.append(None if chosen is None else Name(chosen, _leader(chosen, spot)))
    return names


def _around(spot: Spot, width: float, height: float, reach: float) -> Iterator[Box]:
    for radius in (radius for radius in _RADII if radius <= reach):
        for angle in _DIRECTIONS:
            x, y = spot[0] + radius * math.cos(angle), spot[1] - radius * math.sin(angle)
            left = x if math.cos(angle) > 0.3 else x - width if math.cos(angle) < -0.3 else x - width / 2
            yield Box(left, y - height / 2, left + width, y + height / 2)


def _inside(box: Box, room: Box) -> bool:
    return room.left <= box.left and box.right <= room.right and room.top <= box.top and box.bottom <= room.bottom


def _is_free(box: Box, spots: Sequence[Spot], names: Sequence[Name | None]) -> bool:
    """Off all points, names and lines to names."""
    if any(box.holds(spot, _CLEAR) for spot in spots):
        return False
    others = [(name, at) for name, at in zip(names, spots, strict=False) if name is not None]
    return not any(box.meets(name.box) or _crosses(box, name, at) for name, at in others)


def _crosses(box: Box, name: Name, spot: Spot) -> bool:
    return name.leader is not None and any(box.holds(step) for step in _along(spot, name.leader))


def _line_is_clear(box: Box, own: Spot, spots: Sequence[Spot], names: Sequence[Name | None]) -> bool:
    """Whether the line to its point crosses no other point and no name."""
    line = list(_along(own, box.nearest(own)))
    others = [spot for spot in spots if math.dist(spot, own) > _CLEAR]
    if any(math.dist(step, spot) < _CLEAR for step in line for spot in others):
        return False
    return not any(name is not None and name.box.holds(step) for step in line for name in names)


def _leader(box: Box, spot: Spot) -> Spot | None:
    end = box.nearest(spot)
    return end if math.dist(end, spot) > _NEAR + 3 else None


def _along(start: Spot, end: Spot, step: float = 4.0) -> Iterator[Spot]:
    count = max(1, int(math.dist(start, end) / step))
    for index in range(1, count + 1):
        yield (
            start[0] + (end[0] - start[0]) * index / count,
            start[1] + (end[1] - start[1]) * index / count,
        )


def along(spots: Sequence[Spot], step: float = 6.0) -> list[Spot]:
    """Places along a line through ``spots``."""
    return [place for start, end in pairwise(spots) for place in _along(start, end, step)]
