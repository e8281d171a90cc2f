"""Hair: thin, smooth, antialiased strokes at random, the same bits on every machine.

Numbers come from ``random.Random(seed).random()``, whose sequence Python promises to keep; the rest is +, -, ×, / and
square roots, which IEEE 754 rounds in one way.
"""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from vtbench.data.embedded.drawing.pattern_waves import SIDE, Picture

Mask = np.ndarray[Any, np.dtype[np.float64]]
Point = tuple[float, float]
Colour = tuple[int, int, int]

_SEGMENTS = 24


class Strokes(NamedTuple):
    """How many strokes, their width in pixels, and two colours (8-bit RGB)."""

    seed: int
    number: int
    width: float
    ink: Colour
    paper: Colour


def draw_strokes(strokes: Strokes) -> Picture:
    """``uint8 [256,256,3]``: quadratic Bézier curves of one ink on paper.

    A pixel's coverage falls linearly from 1 to 0 over one pixel at the rim of a stroke, and a stroke thinner than a
    pixel covers at most its width, so that the amount of ink is width × length. Where strokes cross, the larger
    coverage counts, so their order does not matter.
    """
    source = random.Random(strokes.seed)
    coverage = np.zeros((SIDE, SIDE))
    for _ in range(strokes.number):
        points = _bezier(_anywhere(source), _anywhere(source), _anywhere(source))
        for start, end in pairwise(points):
            _cover(coverage, start, end, strokes.width)
    ink, paper = np.array(strokes.ink, np.float64), np.array(strokes.paper, np.float64)
    return np.floor(paper + coverage[..., None] * (ink - paper) + 0.5).astype(np.uint8)


def _anywhere(source: random.Random) -> Point:
    """A point on the picture or a little outside, so that strokes also leave it."""
    return (source.random() * 1.25 - 0.125) * SIDE, (source.random() * 1.25 - 0.125) * SIDE


def _bezier(start: Point, control: Point, end: Point) -> list[Point]:
    """Points on the curve, close enough together that the chords between them look smooth."""
    curve = []
    for step in range(_SEGMENTS + 1):
        t = step / _SEGMENTS
        weights = ((1 - t) * (1 - t), 2 * t * (1 - t), t * t)
        curve.append((_mix(weights, start[0], control[0], end[0]), _mix(weights, start[1], control[1], end[1])))
    return curve


def _mix(weights: tuple[float, float, float], a: float, b: float, c: float) -> float:
    return weights[0] * a + weights[1] * b + weights[2] * c


def _cover(coverage: Mask, start: Point, end: Point, width: float) -> None:
    """Raise the coverage of the pixels around one straight piece."""
    margin = width / 2 + 1
    left, right = _span(start[0], end[0], margin)
    top, bottom = _span(start[1], end[1], margin)
    if left >= right or top >= bottom:
        return
    y, x = np.mgrid[top:bottom, left:right].astype(np.float64)
    distance = _distance(x, y, start, end)
    window = coverage[top:bottom, left:right]
    np.maximum(window, np.clip(width / 2 + 0.5 - distance, 0.0, min(1.0, width)), out=window)


def _span(a: float, b: float, margin: float) -> tuple[int, int]:
    """Whole pixels between two coordinates, with a margin, inside the picture."""
    return max(0, int(min(a, b) - margin)), min(SIDE, int(max(a, b) + margin) + 2)


def _distance(x: Mask, y: Mask, start: Point, end: Point) -> Mask:
    """From pixels to a straight piece, in pixels."""
    along_x, along_y = end[0] - start[0], end[1] - start[1]
    length = along_x * along_x + along_y * along_y
    share = ((x - start[0]) * along_x + (y - start[1]) * along_y) / length if length else np.zeros_like(x)
    share = np.clip(share, 0.0, 1.0)
    off_x, off_y = x - start[0] - share * along_x, y - start[1] - share * along_y
    distance: Mask = np.sqrt(off_x * off_x + off_y * off_y)
    return distance
