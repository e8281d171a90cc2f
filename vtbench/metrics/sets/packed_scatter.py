"""A scatter matrix as the upper triangle of its correlations in single precision: a quarter of the bytes.

Rounded as it is, a scatter of ``float32`` loses what little varies beside what varies much; of correlations every entry
is as large as any other, and the diagonal is kept whole.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def packed(scatter: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Diagonal ``float64 [D]``, and correlations above it, row by row, ``float32 [D(D-1)/2]``."""
    diagonal = np.ascontiguousarray(np.diagonal(scatter), dtype=np.float64)
    lengths = _lengths(diagonal)
    above = np.triu_indices(len(diagonal), 1)
    return diagonal, (scatter[above] / (lengths[above[0]] * lengths[above[1]])).astype(np.float32)


def unpacked(diagonal: NDArray[np.float64], above: NDArray[np.float32]) -> NDArray[np.float64]:
    """The scatter ``[D,D]``.

    Raises:
        ValueError: sizes that do not belong together.
    """
    side = len(diagonal)
    if above.shape != (side * (side - 1) // 2,):
        raise ValueError(f"{side} variances, and {above.shape} correlations")
    lengths = _lengths(diagonal)
    found = np.zeros((side, side))
    rows, columns = np.triu_indices(side, 1)
    found[rows, columns] = above * (lengths[rows] * lengths[columns])
    found += found.T
    np.fill_diagonal(found, diagonal)
    return found


def _lengths(diagonal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Square roots, with one in place of none."""
    return np.where(diagonal > 0, np.sqrt(np.maximum(diagonal, 0)), 1.0)
