"""Precision, recall, density and coverage from k-nearest-neighbour balls, tile by tile in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from vtbench.core.contracts import Estimate, FeatureMoments, Features
from vtbench.core.errors import UsageError
from vtbench.metrics.feature_matrix import Bools, Float32, Float64, Ints, check_pair, require_rows, take, tile_ranges

_RESAMPLES = 1000


class Manifold:
    """Manifold metrics of predictions against references; outputs ``precision``, ``recall``, ``density``, ``coverage``.

    Around every sample of a set lies a ball that reaches to its k-th nearest neighbour in the same set (itself not
    counted). Precision is the share of predictions inside any reference ball, recall the share of references inside
    any prediction ball (Kynkäänniemi et al. 2019, eq. 1–3); density is the mean number of reference balls around a
    prediction over k, coverage the share of reference balls that hold a prediction (Naeem et al. 2020, eq. 4–5).
    Inside is strict: a sample exactly on a ball's surface is outside. Distances are computed in float64 and rounded to
    float32 before they are compared, so that distances which are equal on paper compare as equal.

    Intervals hold the balls fixed and cover the choice of the samples tested against them: Wilson for the three
    shares, a percentile bootstrap of 1000 resamples for density.

    Args:
        k: which neighbour sets the radius.
        seed: of the bootstrap.

    Raises:
        UsageError: k is not positive, a set has no k-th neighbour, or the widths differ.
    """

    def __init__(self, k: int = 3, seed: int = 0) -> None:
        if k < 1:
            raise UsageError(f"k={k}: at least 1 is needed")
        self.k, self.seed = k, seed

    def __call__(self, predictions: Features, references: Features | FeatureMoments) -> Mapping[str, Estimate]:
        """``[N,D]`` and ``[M,D]`` to the four estimates."""
        references = require_rows(references)
        check_pair(predictions, references)
        n, m = predictions.shape[0], references.shape[0]
        if min(n, m) <= self.k:
            raise UsageError(
                f"k={self.k} needs more than {self.k} images in each set, there are {n} predictions and {m} references",
                f"set the metric's parameter k to at most {min(n, m) - 1}",
            )
        hits = _hits(predictions, references, radii(predictions, self.k), radii(references, self.k))
        details = {"n_predictions": n, "n_references": m, "k": self.k}
        return {
            "precision": _share(hits.balls_around_prediction > 0, details),
            "recall": _share(hits.reference_is_inside, details),
            "density": self._density(hits.balls_around_prediction, details),
            "coverage": _share(hits.ball_is_filled, details),
        }

    def _density(self, counts: Ints, details: Mapping[str, Any]) -> Estimate:
        values, multiplicity = np.unique(counts / self.k, return_counts=True)
        n = len(counts)
        # Resampling n images with replacement is one multinomial draw over the values that occur.
        draws = np.random.default_rng(self.seed).multinomial(n, multiplicity / n, size=_RESAMPLES)
        low, high = np.percentile(draws @ values / n, [2.5, 97.5])
        return Estimate(
            value=float(counts.mean() / self.k),
            n=n,
            ci_low=float(low),
            ci_high=float(high),
            ci_method=f"percentile bootstrap over predictions, {_RESAMPLES} resamples, balls fixed",
            details={**details, "bootstrap_seed": self.seed},
        )


@dataclass(frozen=True, eq=False)
class _Hits:
    """Which samples lie in which balls, counted: ``int64 [N]``, ``bool [M]``, ``bool [M]``."""

    balls_around_prediction: Ints
    reference_is_inside: Bools
    ball_is_filled: Bools


def radii(features: Features, k: int) -> Float32:
    """Distance of every sample to its k-th nearest other sample, ``float32 [N]``; N must be above k."""
    nearest = np.full((features.shape[0], k), np.inf, dtype=np.float32)
    for rows, columns, distances in _tiles(features, features, upper=True):
        if rows == columns:
            np.fill_diagonal(distances, np.inf)
        else:
            nearest[columns] = _smallest(nearest[columns], distances.T, k)
        nearest[rows] = _smallest(nearest[rows], distances, k)
    return np.asarray(nearest.max(axis=1))


def _hits(predictions: Features, references: Features, around_prediction: Float32, around_reference: Float32) -> _Hits:
    counts = np.zeros(len(around_prediction), dtype=np.int64)
    inside = np.zeros(len(around_reference), dtype=np.bool_)
    filled = np.zeros(len(around_reference), dtype=np.bool_)
    for rows, columns, distances in _tiles(references, predictions):
        in_reference_ball = distances < around_reference[rows, None]
        counts[columns] += in_reference_ball.sum(axis=0)
        filled[rows] |= in_reference_ball.any(axis=1)
        inside[rows] |= (distances < around_prediction[None, columns]).any(axis=1)
    return _Hits(counts, inside, filled)


def _tiles(left: Features, right: Features, upper: bool = False) -> Iterator[tuple[slice, slice, Float32]]:
    """Tiles of the distance matrix, with their rows and columns; ``upper`` leaves out those below the diagonal."""
    columns = tile_ranges(right.shape[0])
    for rows in tile_ranges(left.shape[0]):
        x = take(left, rows)
        for column in columns:
            if not (upper and column.start < rows.start):
                distances = _distances(x, take(right, column))
                yield slice(rows.start, rows.stop), slice(column.start, column.stop), distances


def _distances(x: Float64, y: Float64) -> Float32:
    squared = x @ y.T
    squared *= -2.0
    squared += np.square(x).sum(axis=1)[:, None]
    squared += np.square(y).sum(axis=1)[None, :]
    distances: Float32 = np.sqrt(np.maximum(squared.astype(np.float32), np.float32(0)))
    return distances


def _smallest(known: Float32, more: Float32, k: int) -> Float32:
    joined = np.concatenate([known, more], axis=1)
    return np.partition(joined, k - 1, axis=1)[:, :k]


def _share(hits: Bools, details: Mapping[str, Any]) -> Estimate:
    count, n = int(hits.sum()), len(hits)
    interval = stats.binomtest(count, n).proportion_ci(0.95, method="wilson")
    return Estimate(
        value=count / n,
        n=n,
        ci_low=float(interval.low),
        ci_high=float(interval.high),
        ci_method="Wilson, balls fixed",
        details=details,
    )
