"""``solids-mini``: boxes, tori and ellipsoids whose surfaces are known, for sets of clouds without a download."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from vtbench.core.digests import digest_arrays
from vtbench.core.errors import UsageError
from vtbench.data.clouds.contract import Points, chosen
from vtbench.data.fingerprint import Fingerprinted

COUNT, POINTS = 24, 256
DRAWN = ("reference", "anew", "copies", "one-mode")
Drawn = Literal["reference", "anew", "copies", "one-mode"]
_REFERENCE, _ANEW, _ONE = 1, 5, 3
"""Seeds; a solid is drawn from its set's and its own place."""


class SolidsMini(Fingerprinted):
    """24 solids of random sizes inside a sphere of radius 0.5, 256 points on the surface of each, uniform by area.

    A third each are boxes, tori and ellipsoids. Coordinates are rounded to millionths, so that they are the same bits
    on every machine.

    Args:
        drawn: ``reference``; ``anew``, other solids of the same distribution; ``copies`` of the references; or
            ``one-mode``, one torus again and again, with other points.

    Raises:
        UsageError: another word.
    """

    def __init__(self, drawn: Drawn = "reference") -> None:
        if drawn not in DRAWN:
            raise UsageError(f"drawn={drawn}: not one of {', '.join(DRAWN)}")
        self.drawn = drawn
        self.ids = tuple(f"{_kind(place).__name__.strip('_')}-{place:02d}" for place in range(COUNT))
        if drawn == "one-mode":
            self.ids = tuple(f"torus-{place:02d}" for place in range(COUNT))

    def points(self, index: int, count: int, seed: int) -> Points:
        """See :class:`~vtbench.data.clouds.contract.CloudSet`."""
        return chosen(self._solid(index), count, seed, self.ids[index])

    def content_digest(self, index: int) -> str:
        """Of the points."""
        return digest_arrays({"points": self._solid(index)})

    def _solid(self, place: int) -> Points:
        if self.drawn == "one-mode":
            size, draw = _generator(_ONE, 0), _generator(_ONE, place + 1)
            return np.round(_torus(size, draw), 6)
        draw = _generator(_ANEW if self.drawn == "anew" else _REFERENCE, place)
        return np.round(_kind(place)(draw, draw), 6)


def _generator(seed: int, place: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([seed, place]))


def _kind(place: int) -> Callable[[np.random.Generator, np.random.Generator], Points]:
    return (_box, _torus, _ellipsoid)[place % 3]


def _box(size: np.random.Generator, draw: np.random.Generator) -> Points:
    half = size.uniform(0.08, 0.28, 3)
    areas = np.array([half[1] * half[2], half[0] * half[2], half[0] * half[1]])
    axis = draw.choice(3, POINTS, p=areas / areas.sum())
    points: Points = draw.uniform(-1, 1, (POINTS, 3)) * half
    points[np.arange(POINTS), axis] = np.where(draw.random(POINTS) < 0.5, -1, 1) * half[axis]
    return points


def _torus(size: np.random.Generator, draw: np.random.Generator) -> Points:
    ring, tube = size.uniform(0.22, 0.36), size.uniform(0.05, 0.13)
    around = draw.uniform(0, 2 * np.pi, POINTS)
    tilt = _accepted(draw, lambda angle: (ring + tube * np.cos(angle)) / (ring + tube))
    out = ring + tube * np.cos(tilt)
    return np.stack([out * np.cos(around), out * np.sin(around), tube * np.sin(tilt)], axis=1)


def _accepted(draw: np.random.Generator, density: Callable[[Points], Points]) -> Points:
    """Angles of a density of at most 1, by rejection."""
    found = np.zeros(0)
    while len(found) < POINTS:
        angle = draw.uniform(0, 2 * np.pi, 4 * POINTS)
        found = np.concatenate([found, angle[draw.random(len(angle)) < density(angle)]])
    return found[:POINTS]


def _ellipsoid(size: np.random.Generator, draw: np.random.Generator) -> Points:
    half = size.uniform(0.1, 0.48, 3)
    found = np.zeros((0, 3))
    while len(found) < POINTS:
        ball = draw.normal(size=(8 * POINTS, 3))
        ball /= np.linalg.norm(ball, axis=1, keepdims=True)
        stretched = (
            np.linalg.norm(ball / half, axis=1) * half.min()
        )  # of a patch of the sphere, over the most it can be
        found = np.concatenate([found, ball[draw.random(len(ball)) < stretched] * half])
    return found[:POINTS]
