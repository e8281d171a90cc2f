"""Boxes of objects that a detector found: which are kept, how far two cover each other, on which side one lies.

A box is ``(x0, y0, x1, y1)`` in pixels. All of it as in djghosh13/geneval@af4902f (MIT), ``evaluate_images.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = NDArray[np.float64]
LEAST_SCORE = 0.3
LEAST_SCORE_COUNTING = 0.9
"""Of prompts that name a number, whose tag is ``counting``."""
MOST_OBJECTS = 16
SHRUNK = 0.1
"""Share of the summed sides by which the offset between two centres is shortened."""
SIDE = 0.5
"""What a component of the direction must exceed: at 45° both do, and one object is left of *and* above the other."""
_NOWHERE = 1e-3


@dataclass(frozen=True, eq=False)
class Found:
    """One object.

    Attributes:
        box: ``float [4]``, ``x0, y0, x1, y1``.
        score: in [0, 1].
        mask: ``bool [H,W]``, where the detector gives one.
    """

    box: Box
    score: float
    mask: NDArray[np.bool_] | None = None


def kept(found: Sequence[Found], least_score: float, most_overlap: float = 1.0) -> list[Found]:
    """The objects of one class that count, the surest first: at most 16 above a score.

    Args:
        found: in any order; of equal scores the first stays first.
        least_score: what a score must exceed.
        most_overlap: an object that covers a surer one to that share is dropped; at 1, GenEval's own, none is.
    """
    order = sorted((one for one in found if one.score > least_score), key=lambda one: -one.score)[:MOST_OBJECTS]
    chosen: list[Found] = []
    for one in order:
        if most_overlap == 1.0 or all(overlap(one.box, other.box) < most_overlap for other in chosen):
            chosen.append(one)
    return chosen


def kept_by_class(
    found: Mapping[str, Sequence[Found]], least_score: float, most_overlap: float = 1.0
) -> dict[str, list[Found]]:
    """:func:`kept` of every class; classes without any are left out."""
    chosen = {name: kept(objects, least_score, most_overlap) for name, objects in found.items()}
    return {name: objects for name, objects in chosen.items() if objects}


def overlap(one: Any, other: Any) -> float:
    """Intersection over union where both ends of a side belong to a box (its length is ``x1 - x0 + 1``)."""
    shared = (max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3]))
    inside = _area(shared)
    union = _area(one) + _area(other) - inside
    return float(inside / union) if union else 0.0


def sides(one: Box, other: Box) -> frozenset[str]:
    """On which sides of ``other`` the box ``one`` lies: none, or one or two of left of, right of, above, below.

    The offset of the centres is shortened by a tenth of the two widths and heights, and divided by the length that it
    had before: boxes that are near for their size lie on no side.
    """
    corners = np.stack([np.asarray(box)[:4].reshape(2, 2) for box in (one, other)])
    centres = corners.mean(axis=1)
    sizes = np.abs(np.diff(corners, axis=1))[:, 0]
    offset = centres[0] - centres[1]
    shortened = np.maximum(np.abs(offset) - SHRUNK * sizes.sum(axis=0), 0) * np.sign(offset)
    if np.all(np.abs(shortened) < _NOWHERE):
        return frozenset()
    x, y = shortened / np.linalg.norm(offset)
    named = {"left of": x < -SIDE, "right of": x > SIDE, "above": y < -SIDE, "below": y > SIDE}
    return frozenset(name for name, holds in named.items() if holds)


def _area(box: Any) -> float:
    return float(max(box[2] - box[0] + 1, 0) * max(box[3] - box[1] + 1, 0))
