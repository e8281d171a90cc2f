"""Clips drawn over photographs: pans, zooms, moving shapes, cuts and fades; the same bits on every machine.

All arithmetic is +, -, × and / in float64 and minima, maxima and floors, which IEEE 754 rounds in one way.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

SIDE, FRAMES = 128, 16

Picture = np.ndarray[Any, np.dtype[np.uint8]]
Field = np.ndarray[Any, np.dtype[np.float64]]


class Window(NamedTuple):
    """A square of a photograph: the middle of its first pixel, and the photograph's pixels from one to the next."""

    x: float
    y: float
    step: float = 1.0


class Shape(NamedTuple):
    """A disc or square of one colour, or of stripes: where its middle is in the first and the last frame.

    ``half`` is the radius, or half a side; ``stripe`` the width of a stripe in pixels, 0 for none.
    """

    round: bool
    half: float
    colour: tuple[int, int, int]
    stripe: int
    first: tuple[float, float]
    last: tuple[float, float]


def between(first: float, last: float, frame: int) -> float:
    """A value that changes by the same amount from frame to frame: ``first`` in the first, ``last`` in the last."""
    return first + (last - first) * frame / (FRAMES - 1)


def seen(photograph: Picture, window: Window) -> Field:
    """``float64 [SIDE,SIDE,3]``: the photograph ``[H,W,3]`` in a window, bilinear; at its border the border goes on."""
    rows, row_weights = _neighbours(window.y, window.step, photograph.shape[0])
    columns, column_weights = _neighbours(window.x, window.step, photograph.shape[1])
    part = photograph.astype(np.float64)
    across = sum(part[rows[index]] * row_weights[index][:, None, None] for index in range(2))  # [SIDE,W,3]
    found: Field = sum(across[:, columns[index]] * column_weights[index][None, :, None] for index in range(2))
    return found


def with_shape(picture: Field, shape: Shape, frame: int) -> Field:
    """The picture with a shape over it, its rim antialiased over one pixel."""
    x, y = (between(shape.first[axis], shape.last[axis], frame) for axis in range(2))
    down, right = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    off_x, off_y = right - x, down - y
    if shape.round:
        distance = np.sqrt(off_x * off_x + off_y * off_y)
    else:
        distance = np.maximum(np.abs(off_x), np.abs(off_y))
    coverage = np.clip(shape.half + 0.5 - distance, 0.0, 1.0)[..., None]
    ink = np.array(shape.colour, np.float64) * np.ones((SIDE, SIDE, 1))
    if shape.stripe:
        dark = np.floor(off_x / shape.stripe) % 2.0
        ink = ink * (1.0 - 0.75 * dark[..., None])
    mixed: Field = picture + coverage * (ink - picture)
    return mixed


def mixed(first: Field, second: Field, share: float) -> Field:
    """``share`` of the second, the rest of the first."""
    found: Field = first + share * (second - first)
    return found


def at_rest(picture: Field) -> Picture:
    """To the nearest level, halves upwards."""
    rounded: Picture = np.floor(np.clip(picture, 0.0, 255.0) + 0.5).astype(np.uint8)
    return rounded


def _neighbours(start: float, step: float, size: int) -> tuple[tuple[Any, Any], tuple[Field, Field]]:
    """The two stored pixels about each place of a line, and what each counts."""
    places = np.minimum(np.maximum(start + step * np.arange(SIDE, dtype=np.float64), 0.0), size - 1.0)
    low = np.floor(places)
    above = places - low
    first = low.astype(np.int64)
    return (first, np.minimum(first + 1, size - 1)), (1.0 - above, above)
