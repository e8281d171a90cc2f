"""The nearest neighbour of each row in another set, exactly, tile by tile in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vtbench.core.contracts import Features
from vtbench.metrics.feature_matrix import Float64, Ints, chunks, take, tile_ranges
from vtbench.metrics.sets.neighbours import Points, by_differences, by_product

_ROWS_AT_ONCE = 1024


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest neighbour of each row.

    Attributes:
        squares: squared distances by differences, ``float64 [N]``: equal rows are at 0, equal pairs at one distance.
        indices: which row of the other set, ``int64 [N]``; of several equally near the first.
    """

    squares: Float64
    indices: Ints


def nearest_of(left: Points, right: Points) -> Nearest:
    """The nearest row of ``right`` to every row of ``left``."""
    return _walk(left, right, np.arange(len(left)), themselves=False)


def nearest_others(points: Points, rows: Ints) -> Nearest:
    """The nearest other row to some rows of one set; squares are infinite where it has no other."""
    return _walk(points, points, rows, themselves=True)


def _walk(left: Points, right: Points, rows: Ints, themselves: bool) -> Nearest:
    """A product finds which pairs could be the nearest; differences say which is."""
    margin = left.rounding(right)
    squares, indices = np.full(len(rows), np.inf), np.full(len(rows), -1, dtype=np.int64)
    for part in tile_ranges(len(rows)):
        of, chosen = slice(part.start, part.stop), rows[part.start : part.stop]
        x = take(left.features, chosen.tolist())
        for columns in tile_ranges(len(right)):
            y = take(right.features, columns)
            tile = by_product(x, y)
            if themselves:
                tile[chosen[:, None] == np.asarray(columns)[None, :]] = np.inf
            limit = np.minimum(tile.min(axis=1) + 2 * margin, squares[of] + margin)
            row, column = np.nonzero((tile <= limit[:, None]) & np.isfinite(tile))
            found = by_differences(x, y, row, column)
            order = np.lexsort((column, found, row))
            first = order[np.unique(row[order], return_index=True)[1]]
            better = first[found[first] < squares[of][row[first]]]  # an earlier row of the other set stays
            squares[part.start + row[better]] = found[better]
            indices[part.start + row[better]] = columns.start + column[better]
    return Nearest(squares, indices)


class UnitRows:
    """Features with every row scaled to length 1: their squared distance is twice one less the cosine. Zeros stay.

    Args:
        features: as they are stored.
    """

    def __init__(self, features: Features) -> None:
        self._features = features

    @property
    def shape(self) -> tuple[int, int]:
        """``(N, D)``."""
        return self._features.shape

    def blocks(self) -> Iterator[np.ndarray[Any, Any]]:
        """Consecutive blocks, in order, in ``float64``."""
        for piece in chunks(self._features, _ROWS_AT_ONCE):
            yield _scaled(piece)

    def rows(self, indices: Sequence[int]) -> np.ndarray[Any, Any]:
        """The named rows, in the order asked for, in ``float64``."""
        return _scaled(take(self._features, indices))


def _scaled(rows: Float64) -> Float64:
    lengths = np.sqrt(np.square(rows).sum(axis=1, keepdims=True))
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0))
