"""Fréchet distance extrapolated to infinitely many predictions."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from scipy import stats

from vtbench.core.contracts import Estimate, FeatureMoments, Features
from vtbench.core.errors import UsageError
from vtbench.metrics.feature_matrix import Float64, take
from vtbench.metrics.sets.frechet import (
    FrechetDistance,
    Gaussian,
    Moments,
    check_sizes,
    moments_of_rows,
    reference_gaussian,
)

_LARGEST_FIRST = 5000


class FrechetInfinity:
    """FID∞ (Chong and Forsyth 2020): the distance is biased by a term in 1/N, so it is fitted over N and read off at 0.

    Distances of seeded random subsets of the predictions to the whole reference are taken at equally spaced sizes from
    min(5000, N/10) to N, and a line in 1/N is fitted by least squares; its intercept is the value. The bias that the
    *references'* own number leaves is not removed. The first size is dgm-eval's (``layer6ai-labs/dgm-eval@74c79f7``);
    the authors' own code (``mchong6/FID_IS_infinity@2cbf52e``) begins at 5000 for any N, and refuses fewer.

    The interval joins two variances: that of the intercept, from the scatter about the line, and that of the sample
    itself, from the grouped jackknife of the plain distance; all points come from one sample, so the line alone knows
    nothing of the second. A t interval with the jackknife's degrees of freedom, the fewer of the two, 95 %.

    Args:
        points: sizes.
        first: the smallest size; min(5000, N/10) unless given.
        seed: of the subsets.
        jackknife: groups; 0 for an interval of the line alone.
        min_samples: fewest samples allowed in either set.

    Raises:
        UsageError: fewer samples than that, or too few for subsets of two sizes.
    """

    def __init__(
        self, points: int = 15, seed: int = 0, jackknife: int = 10, min_samples: int = 0, first: int | None = None
    ) -> None:
        if points < 3:
            raise UsageError(f"points={points}: a line with an interval needs at least 3")
        if first is not None and first < 2:
            raise UsageError(f"first={first}: a distance needs at least 2 images")
        self.points, self.seed, self.min_samples, self.first = points, seed, min_samples, first
        self._plain = FrechetDistance(jackknife=jackknife, min_samples=min_samples)

    def __call__(self, predictions: Features, references: Features | FeatureMoments) -> Mapping[str, Estimate]:
        """``[N,D]`` and ``[M,D]`` (or moments) to ``{"fd_infinity": …}``; may fall below 0 by noise."""
        check_sizes(predictions, references, self.min_samples)
        n, width = predictions.shape
        sizes = self._sizes(n)
        distances = self._distances(predictions, reference_gaussian(references, width), sizes)
        line = stats.linregress(1.0 / sizes, distances)
        sample = self._plain(predictions, references)["fd"]
        error, freedom = _standard_error(sample)
        freedom = min(freedom, len(sizes) - 2) if freedom else len(sizes) - 2
        half = float(stats.t.ppf(0.975, freedom)) * math.hypot(float(line.intercept_stderr), error)
        value = float(line.intercept)
        details = {
            "n_predictions": n,
            "width": width,
            "sizes": [int(size) for size in sizes],
            "distances": [float(distance) for distance in distances],
            "slope": float(line.slope),
            "r_squared": float(line.rvalue) ** 2,
            "seed": self.seed,
            "plain_distance": sample.value,
            "min_samples": self.min_samples,
        }
        method = "standard error of the intercept joined with " + (sample.ci_method or "nothing for the sample's noise")
        return {
            "fd_infinity": Estimate(
                value=value, n=n, ci_low=value - half, ci_high=value + half, ci_method=method, details=details
            )
        }

    def _sizes(self, n: int) -> Float64:
        first = max(2, min(_LARGEST_FIRST, n // 10)) if self.first is None else self.first
        if first >= n:
            raise UsageError(f"sizes from {first} on need more images than {n}", "use fid_infinity, or kid")
        sizes = np.unique(np.linspace(first, n, self.points).astype(np.int64))
        if len(sizes) < 3:
            raise UsageError(f"{n} images are too few to extrapolate from", "use the kernel distance (kid)")
        return sizes.astype(np.float64)

    def _distances(self, predictions: Features, reference: Gaussian, sizes: Float64) -> Float64:
        generator = np.random.Generator(np.random.PCG64(self.seed))
        n = predictions.shape[0]
        found = []
        for size in sizes.astype(np.int64):
            chosen = np.sort(generator.permutation(n)[:size])
            found.append(_fitted(predictions, chosen.tolist()).distance(reference))
        return np.array(found)


def _fitted(features: Features, indices: list[int]) -> Gaussian:
    """The Gaussian of some rows; streamed where they are more than the features are wide."""
    if len(indices) < features.shape[1]:
        return Gaussian.of_rows(take(features, indices))
    moments: Moments = moments_of_rows(features, indices)
    return Gaussian.of_moments(moments)


def _standard_error(sample: Estimate) -> tuple[float, int]:
    """From the t interval of a jackknife, with its degrees of freedom; zeros where there is none."""
    groups = int(sample.details.get("jackknife_groups", 0))
    if sample.ci_high is None or groups < 2:
        return 0.0, 0
    return (sample.ci_high - sample.value) / float(stats.t.ppf(0.975, groups - 1)), groups - 1
