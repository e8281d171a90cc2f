"""Distances to nearest neighbours: fast where rounding cannot matter, exact where it could; in bounded memory.

All distances are squared. A matrix product gives them quickly, as ``|x|² + |y|² - 2xy``, with a rounding error of known
bound: equal rows come out a hair above or below 0. Whatever lies nearer to a threshold than that bound is computed
again from the differences of the features, in float64, which gives equal pairs equal distances and equal rows 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vtbench.core.contracts import Features
from vtbench.metrics.feature_matrix import Bools, Float64, Ints, chunks, take, tile_ranges

# Rows of differences at a time: they stay in the processor's cache.
_PAIRS = 128


@dataclass(frozen=True, eq=False)
class Points:
    """A set of features with the largest squared length of its rows, from which rounding errors are bounded."""

    features: Features
    largest: float

    @classmethod
    def of(cls, features: Features) -> Points:
        """Reads every row once."""
        pieces = (np.square(piece).sum(axis=1).max() for piece in chunks(features, 1024))
        return cls(features, float(max(pieces, default=0.0)))

    def __len__(self) -> int:
        return self.features.shape[0]

    def rounding(self, other: Points) -> float:
        """How far a squared distance to a row of ``other`` may be from the one by differences, both in float64.

        A dot product of D terms errs by at most ``D u |x||y|`` with the unit roundoff u (Higham 2002, eq. 3.5), and so
        do the squared lengths; the bound is twice their sum.
        """
        width = self.features.shape[1]
        return float(2 * (width + 8) * np.finfo(np.float64).eps * (self.largest + other.largest))


@dataclass(frozen=True, eq=False)
class Balls:
    """Around every row of ``points``, up to its k-th nearest other row.

    Args:
        points: the centres.
        k: which neighbour; fewer than there are points.
        squares: squared radii, ``float64 [N]``, each within ``points.rounding(points)``.
    """

    points: Points
    k: int
    squares: Float64

    @classmethod
    def around(cls, points: Points, k: int) -> Balls:
        """Radii as the matrix product gives them."""
        nearest = np.full((len(points), k), np.inf)
        for tile in tiles(points, points, upper=True):
            if tile.rows == tile.columns:
                np.fill_diagonal(tile.squares, np.inf)
            else:
                nearest[tile.columns] = _smallest(nearest[tile.columns], tile.squares.T, k)
            nearest[tile.rows] = _smallest(nearest[tile.rows], tile.squares, k)
        return cls(points, k, nearest.max(axis=1))

    @cached_property
    def margin(self) -> float:
        """How far a squared radius may be from the exact one."""
        return self.points.rounding(self.points)

    def exact(self, chosen: Ints) -> Float64:
        """Squared radii by differences, ``float64 [len(chosen)]``, of the balls named."""
        nearest = np.full((len(chosen), self.k), np.inf)
        for part in tile_ranges(len(chosen)):
            of, rows = slice(part.start, part.stop), chosen[part.start : part.stop]
            x, low, high = take(self.points.features, rows.tolist()), *self._band(rows)
            for columns in tile_ranges(len(self.points)):
                y = take(self.points.features, columns)
                squares = by_product(x, y)
                squares[rows[:, None] == np.asarray(columns)[None, :]] = np.inf
                squares[squares < low] = -np.inf
                squares[squares > high] = np.inf
                near = np.nonzero(np.isfinite(squares))
                squares[near] = by_differences(x, y, *near)
                nearest[of] = _smallest(nearest[of], squares, self.k)
        return np.asarray(nearest.max(axis=1))

    def _band(self, rows: Ints) -> tuple[Float64, Float64]:
        """Below the first a neighbour is surely nearer than the k-th, above the second surely farther."""
        squares = self.squares[rows, None]
        return squares - 2 * self.margin, squares + 2 * self.margin


@dataclass(frozen=True, eq=False)
class Tile:
    """Squared distances ``float64 [rows,columns]`` of some rows of one set to some of another, with their features."""

    rows: slice
    columns: slice
    squares: Float64
    left: Float64
    right: Float64

    def exact(self, rows: Ints, columns: Ints) -> Float64:
        """The distances of single pairs by differences."""
        return by_differences(self.left, self.right, rows, columns)

    @property
    def turned(self) -> Tile:
        """The same with the sets exchanged."""
        return Tile(self.columns, self.rows, self.squares.T, self.right, self.left)


def tiles(left: Points, right: Points, upper: bool = False) -> Iterator[Tile]:
    """Tiles of the matrix of squared distances, each value within ``left.rounding(right)``.

    ``upper`` leaves out those below the diagonal.
    """
    columns = tile_ranges(len(right))
    for rows in tile_ranges(len(left)):
        x = take(left.features, rows)
        for column in columns:
            if not (upper and column.start < rows.start):
                y = take(right.features, column)
                of_x, of_y = slice(rows.start, rows.stop), slice(column.start, column.stop)
                yield Tile(of_x, of_y, by_product(x, y), x, y)


def by_differences(x: Float64, y: Float64, rows: Ints, columns: Ints) -> Float64:
    """Squared distances of ``x[rows]`` to ``y[columns]``, ``float64 [len(rows)]``; pairs that are equal once."""
    first, second = _first_equal(x, rows), _first_equal(y, columns)
    pairs, place = np.unique(first * len(y) + second, return_inverse=True)
    found = np.empty(len(pairs))
    for start in range(0, len(pairs), _PAIRS):
        i, j = np.divmod(pairs[start : start + _PAIRS], len(y))
        found[start : start + _PAIRS] = np.square(x[i] - y[j]).sum(axis=1)
    return np.asarray(found[place])


def close(squares: Float64, thresholds: Float64, margin: float) -> Bools:
    """Where rounding could decide: no farther than ``margin`` from the threshold."""
    gap = squares - thresholds
    return np.asarray(np.abs(gap, out=gap) <= margin)


def by_product(x: Float64, y: Float64) -> Float64:
    """Squared distances ``float64 [N,M]`` by a matrix product: quick, and rounded."""
    squared: Float64 = x @ y.T
    squared *= -2.0
    squared += np.square(x).sum(axis=1)[:, None]
    squared += np.square(y).sum(axis=1)[None, :]
    return squared


def _first_equal(x: Float64, rows: Ints) -> Ints:
    """For each of ``rows``, the first of them whose features are the same bits."""
    used, place = np.unique(rows, return_inverse=True)
    known: dict[bytes, int] = {}
    first = np.array([known.setdefault(x[row].tobytes(), row) for row in used.tolist()], dtype=np.int64)
    return np.asarray(first[place])


def _smallest(known: Float64, more: Float64, k: int) -> Float64:
    joined = np.concatenate([known, more], axis=1)
    return np.partition(joined, k - 1, axis=1)[:, :k]
