"""Feature matrices: one in memory, and the two ways set metrics read any of them, in float64 and in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from typing_extensions import TypeIs

from vtbench.core.contracts import FeatureMoments, Features
from vtbench.core.errors import UsageError, VtbenchError

Float32: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]
Float64: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Ints: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Bools: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]

TILE_ROWS = 2048


class ArrayFeatures:
    """Features held in memory: :class:`~vtbench.core.contracts.Features` over an array.

    Args:
        array: real numbers ``[N,D]``. Feature networks give ``float32``; ``float64`` is kept as it is.
        block_rows: rows a block of :meth:`blocks`.

    Raises:
        ValueError: not a matrix, or no positive number of rows a block.
    """

    def __init__(self, array: np.ndarray[Any, Any], block_rows: int = 1024) -> None:
        if array.ndim != 2:
            raise ValueError(f"features must be a matrix [N,D], got shape {array.shape}")
        if block_rows < 1:
            raise ValueError(f"block_rows must be positive, got {block_rows}")
        self._array = array if array.dtype == np.float64 else array.astype(np.float32, copy=False)
        self._block_rows = block_rows

    @property
    def shape(self) -> tuple[int, int]:
        """``(N, D)``."""
        rows, width = self._array.shape
        return rows, width

    def blocks(self) -> Iterator[Float32]:
        """Consecutive blocks of ``block_rows`` rows, in order; the last may be shorter."""
        for start in range(0, len(self._array), self._block_rows):
            yield self._array[start : start + self._block_rows]

    def rows(self, indices: Sequence[int]) -> Float32:
        """The named rows, in the order asked for."""
        return self._array[np.asarray(indices, dtype=np.int64)]


def has_rows(references: Features | FeatureMoments) -> TypeIs[Features]:
    """Whether the references are features, not moments alone."""
    return hasattr(references, "blocks")


def require_rows(references: Features | FeatureMoments) -> Features:
    """The references as features.

    Raises:
        UsageError: only their moments are known.
    """
    if has_rows(references):
        return references
    raise UsageError(
        "the reference statistics hold moments only, this metric needs the features",
        "build statistics with features: vtbench stats build --data DIR",
    )


def chunks(features: Features, rows: int) -> Iterator[Float64]:
    """All rows in order, as ``float64`` pieces of exactly ``rows`` rows (the last may be shorter).

    The pieces do not depend on the blocks the features are stored in, so neither do the bits of what is summed from
    them.

    Raises:
        VtbenchError: a feature is NaN or infinite.
    """
    waiting: list[Float64] = []
    held = done = 0
    for block in features.blocks():
        waiting.append(np.asarray(block, dtype=np.float64))
        held += len(block)
        while held >= rows:
            joined = np.concatenate(waiting)
            yield _finite(joined[:rows], range(done, done + rows))
            waiting, held, done = [joined[rows:]], held - rows, done + rows
    if held:
        yield _finite(np.concatenate(waiting), range(done, done + held))


def matrix(features: Features) -> Float64:
    """The whole matrix ``float64 [N,D]``; only for sets known to be small.

    Raises:
        VtbenchError: a feature is NaN or infinite.
    """
    rows, width = features.shape
    return next(chunks(features, rows), np.empty((0, width)))


def take(features: Features, indices: Sequence[int]) -> Float64:
    """The named rows as ``float64``, in the order asked for.

    Raises:
        VtbenchError: a feature is NaN or infinite.
    """
    return _finite(np.asarray(features.rows(indices), dtype=np.float64), indices)


def tile_ranges(n: int) -> list[range]:
    """``range(n)`` in consecutive pieces of at most 2048: a tile of two such pieces takes 32 MB in float64."""
    return [range(start, min(start + TILE_ROWS, n)) for start in range(0, n, TILE_ROWS)]


def check_pair(predictions: Features, references: Features) -> None:
    """Both sets must have the same width.

    Raises:
        UsageError: the widths differ.
    """
    check_width(predictions.shape[1], references.shape[1])


def check_width(predictions: int, references: int) -> None:
    """As :func:`check_pair`, of the widths."""
    if predictions != references:
        raise UsageError(
            f"predictions have {predictions} features an image, references {references}",
            "take both from the same extractor and feature",
        )


def _finite(rows: Float64, indices: Sequence[int]) -> Float64:
    good = np.isfinite(rows).all(axis=1)
    if not good.all():
        raise VtbenchError(
            f"row {indices[int(np.argmin(good))]} of the features holds NaN or infinity",
            "look for a broken image or weight file; a set metric cannot leave samples out silently",
        )
    return rows
