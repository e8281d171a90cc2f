"""What every set of clouds is, and how points are chosen and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vtbench.core.errors import SampleError

Points = NDArray[np.float64]


class CloudSet(Protocol):
    """Clouds by place.

    Attributes:
        ids: of the clouds, in order, each once.
        notes: what a reader of numbers must know about the set.
    """

    ids: Sequence[str]
    notes: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """Digest of the whole content, equal wherever the same clouds lie."""

    def points(self, index: int, count: int, seed: int) -> Points:
        """``count`` points of one cloud, or on the surface of one mesh: ``float64 [count,3]``, finite.

        Raises:
            SampleError: it cannot be read, has too few points, or one that is not finite.
        """


def chosen(points: NDArray[Any], count: int, seed: int, name: str) -> Points:
    """``count`` of the points ``[P,3]`` of a cloud: all where it has no more, else drawn without replacement.

    Which places are drawn follows from ``seed`` and ``P`` alone, so that copies of a cloud stay copies.

    Raises:
        SampleError: not ``[P,3]`` numbers, too few of them, or one of the whole cloud is not finite.
    """
    if points.ndim != 2 or points.shape[1] != 3 or points.dtype.kind not in "fiu":
        raise SampleError(f"{name} is {points.dtype} {list(points.shape)}: x, y and z of each point are expected")
    if len(points) < count:
        raise SampleError(f"{name} has {len(points):,} points, the task takes {count:,}")
    whole = np.asarray(points, dtype=np.float64)
    if not np.isfinite(whole).all():
        broken = int((~np.isfinite(whole)).any(axis=1).sum())
        raise SampleError(f"{name}: {broken:,} of {len(whole):,} points are not finite")
    return whole if len(whole) == count else whole[drawn_places(len(whole), count, seed)]


def drawn_places(of: int, count: int, seed: int) -> NDArray[np.int64]:
    """``count`` places below ``of``, each once, in rising order; the same on every machine."""
    return np.sort(np.random.Generator(np.random.PCG64(seed)).permutation(of)[:count])


@dataclass(frozen=True, eq=False)
class Side:
    """Those clouds of a set that are compared.

    Attributes:
        places: of the clouds in their set, in order.
    """

    clouds: CloudSet
    places: Sequence[int]

    @property
    def ids(self) -> tuple[str, ...]:
        """Of the clouds."""
        return tuple(self.clouds.ids[place] for place in self.places)

    def points(self, index: int, count: int, seed: int) -> Points:
        """As of the set, by the place among those that are compared."""
        return self.clouds.points(self.places[index], count, seed)
