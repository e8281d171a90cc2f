"""Precision, recall, density and coverage from k-nearest-neighbour balls, tile by tile in bounded memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import stats

from vtbench.core.contracts import Estimate, FeatureMoments, Features
from vtbench.core.errors import UsageError
from vtbench.metrics.feature_matrix import Bools, Float64, Ints, check_pair, require_rows
from vtbench.metrics.sets.neighbours import Balls, Points, Tile, close, tiles

_RESAMPLES = 1000


class Manifold:
    """Manifold metrics of predictions against references; outputs ``precision``, ``recall``, ``density``, ``coverage``.

    Around every sample of a set lies a ball that reaches to its k-th nearest neighbour in the same set (itself not
    counted). Precision is the share of predictions inside any reference ball, recall the share of references inside
    any prediction ball (Kynkäänniemi et al. 2019, eq. 1–3); density is the mean number of reference balls around a
    prediction over k, coverage the share of reference balls that hold a prediction (Naeem et al. 2020, eq. 4–5).
    Inside is strict: a sample exactly on a ball's surface is outside. What is inside is decided as the differences of
    the features in float64 decide it, duplicates at distance 0 included: see ``neighbours``.

    Held against Naeem et al.'s own package (``clovaai/generative-evaluation-prdc@e320c1d``, k = 5): all four are equal.

    Intervals hold the balls fixed and cover the choice of the samples tested against them: Wilson for the three
    shares, a percentile bootstrap of 1000 resamples for density.

    Args:
        k: which neighbour sets the radius.
        seed: of the bootstrap.

    Raises:
        UsageError: k is not positive, a set has no k-th neighbour, or the widths differ.
    """

    needs_rows: ClassVar[bool] = True

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
        hits = _hits(Points.of(predictions), Points.of(references), self.k)
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


class _Inside:
    """Which points of another set lie inside balls, tile by tile.

    Args:
        balls: the balls.
        others: the other set.
    """

    def __init__(self, balls: Balls, others: Points) -> None:
        self._balls = balls
        self._margin = balls.margin + balls.points.rounding(others)
        self._exact: Float64 | None = None
        self.doubtful = np.zeros(len(balls.points), dtype=np.bool_)

    def settle(self) -> None:
        """Compute the radii of doubtful balls exactly; from now on nothing is doubtful."""
        self._exact = self._balls.squares.copy()
        self._exact[self.doubtful] = self._balls.exact(np.flatnonzero(self.doubtful))

    def __call__(self, tile: Tile) -> Bools:
        """``bool [balls,others]`` of a tile whose rows are the balls' centres."""
        radii = self._balls.squares[tile.rows, None]
        inside = tile.squares < radii
        unsure = close(tile.squares, radii, self._margin)
        if not unsure.any():
            return inside
        if self._exact is None:
            self.doubtful[tile.rows] |= unsure.any(axis=1)
        else:
            ball, other = np.nonzero(unsure)
            inside[ball, other] = tile.exact(ball, other) < self._exact[tile.rows][ball]
        return inside


def _hits(predictions: Points, references: Points, k: int) -> _Hits:
    """Radii are computed exactly only where a distance is as long as a radius but for rounding: a second walk."""
    of_reference = _Inside(Balls.around(references, k), predictions)
    of_prediction = _Inside(Balls.around(predictions, k), references)
    hits = _walk(predictions, references, of_reference, of_prediction)
    if not (of_reference.doubtful.any() or of_prediction.doubtful.any()):
        return hits
    of_reference.settle()
    of_prediction.settle()
    return _walk(predictions, references, of_reference, of_prediction)


def _walk(predictions: Points, references: Points, of_reference: _Inside, of_prediction: _Inside) -> _Hits:
    counts = np.zeros(len(predictions), dtype=np.int64)
    inside = np.zeros(len(references), dtype=np.bool_)
    filled = np.zeros(len(references), dtype=np.bool_)
    for tile in tiles(references, predictions):
        in_reference_ball = of_reference(tile)
        counts[tile.columns] += in_reference_ball.sum(axis=0)
        filled[tile.rows] |= in_reference_ball.any(axis=1)
        inside[tile.rows] |= of_prediction(tile.turned).any(axis=0)
    return _Hits(counts, inside, filled)


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
