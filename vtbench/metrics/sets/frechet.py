"""Fréchet distance between two Gaussians fitted to features, streamed, in float64, without a matrix square root.

With ``S1 = A1ᵀA1`` and ``S2 = A2ᵀA2`` the eigenvalues of ``S1 S2`` are the squared singular values of ``A1 A2ᵀ``, so
``tr (S1 S2)^(1/2)`` is the nuclear norm of that matrix, whichever factors are taken: a Cholesky factor where there
are enough samples, the centred samples themselves where there are fewer samples than features.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg
from scipy.linalg import blas

from vtbench.core.contracts import Estimate, FeatureMoments, Features
from vtbench.core.errors import UsageError
from vtbench.metrics.feature_matrix import Float64, check_width, has_rows, matrix, take
from vtbench.metrics.sets.jackknife import jackknife_groups, jackknife_interval, jackknife_method

INCEPTION_MIN_SAMPLES = 2048
"""Below this the covariance of 2048 features is singular, and the distance is mostly bias."""

_CHUNK_ROWS = 1024
_CHEAP_RANK = 1536
_DISTANCE_COST, _QUICK_COST = 12.0, 8.0
"""One distance of rank r costs about this many times as much as the moments of r samples (measured, one thread)."""
_FEWEST_GROUPS = 4


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean ``[D]`` and scatter ``[D,D]`` (sum of outer products of deviations) of ``n`` samples."""

    n: int
    mean: Float64
    scatter: Float64

    @classmethod
    def of(cls, rows: Float64) -> Moments:
        """Two-pass moments of ``float64 [n,D]``, n at least one."""
        mean = rows.mean(axis=0)
        centred = rows - mean
        return cls(len(rows), mean, centred.T @ centred)

    def merged(self, other: Moments) -> Moments:
        """Moments of both samples together (Chan, Golub and LeVeque 1983, eq. 2.1): no cancellation."""
        n = self.n + other.n
        shift = other.mean - self.mean
        scatter = self.scatter + other.scatter
        scatter += np.outer(shift, shift * (self.n * other.n / n))
        return Moments(n, self.mean + shift * (other.n / n), scatter)

    def without(self, other: Moments) -> Moments:
        """Moments of the samples that are not in ``other``, a part of these: :meth:`merged` undone."""
        n = self.n - other.n
        mean = self.mean + (self.mean - other.mean) * (other.n / n)
        shift = other.mean - mean
        scatter = self.scatter - other.scatter
        scatter -= np.outer(shift, shift * (n * other.n / self.n))
        return Moments(n, mean, scatter)


@dataclass(frozen=True, eq=False)
class Gaussian:
    """A fitted Gaussian: ``root`` is any ``[r,D]`` matrix with ``rootᵀ root`` = covariance (divisor n - 1)."""

    mean: Float64
    trace: float
    root: Float64

    @classmethod
    def of_rows(cls, rows: Float64) -> Gaussian:
        """From samples ``float64 [n,D]``; cheap when n is below D."""
        mean = rows.mean(axis=0)
        root = (rows - mean) / math.sqrt(len(rows) - 1)
        return cls(mean, float(np.vdot(root, root)), root)

    @classmethod
    def of_moments(cls, moments: Moments) -> Gaussian:
        """From moments: the Cholesky factor, or for a singular covariance the one from its eigenvectors."""
        covariance = moments.scatter / (moments.n - 1)
        return cls(moments.mean, float(np.trace(covariance)), _root(covariance))

    def distance(self, other: Gaussian, quick: bool = False) -> float:
        """Squared Fréchet (2-Wasserstein) distance (Dowson and Landau 1982, eq. 4), never below zero.

        ``quick`` takes two thirds of the time for wide features and may err by 1e-6 of the traces: enough for the
        spread of values that share the error.
        """
        shift = self.mean - other.mean
        overlap = _nuclear_norm(self.root @ other.root.T, quick)
        return max(0.0, float(shift @ shift) + self.trace + other.trace - 2.0 * overlap)


class FrechetDistance:
    """Fréchet distance of predictions to references (Heusel et al. 2017); output ``fd``.

    Covariances have the divisor N - 1. The interval is a grouped jackknife over K balanced groups
    (:func:`~vtbench.metrics.sets.jackknife.jackknife_groups`): each is left out of both sets at once (so that the
    shared content of paired sets cancels), and the spread of the K values gives a t interval with K - 1 degrees of
    freedom. It covers sampling noise, not the bias of small N. Of references known by their moments alone, none can be
    left out: the interval then covers the predictions' noise.
    K is lowered where the jackknife would cost too much, and there is no interval below 2K samples.

    Args:
        jackknife: groups K; 0 for no interval.
        min_samples: fewest samples allowed in either set; 2048 is customary for the 2048 Inception features.
        max_cost: the interval may make the metric at most this many times as expensive (estimated from sizes, so that
            every machine decides alike); matters above 1536 features only.

    Raises:
        UsageError: fewer samples than ``min_samples``, fewer than 2, or sets of unequal width.
    """

    def __init__(self, jackknife: int = 10, min_samples: int = 0, max_cost: float = 3.0) -> None:
        if jackknife < 0 or jackknife == 1:
            raise UsageError(f"jackknife={jackknife}: give 0 (no interval) or at least 2 groups")
        self.jackknife = jackknife
        self.min_samples = min_samples
        self.max_cost = max_cost

    def __call__(self, predictions: Features, references: Features | FeatureMoments) -> Mapping[str, Estimate]:
        """``[N,D]`` and ``[M,D]`` (or the moments of D features) to ``{"fd": …}``; 0 for equal sets."""
        check_sizes(predictions, references, self.min_samples)
        n, width = predictions.shape
        m = _count(references)
        rows = has_rows(references)
        groups, method = self._groups(n, m if rows else n, width)
        first, second = _parts(predictions, groups), _reference_parts(references, width, groups)
        value = first(None).distance(second(None))
        low, high = None, None
        if groups > 1:
            left_out = [first(group).distance(second(group), quick=True) for group in range(groups)]
            low, high = jackknife_interval(value, left_out)
            method += "" if rows else ", references held fixed"
        details = {
            "n_predictions": n,
            "n_references": m,
            "width": width,
            "jackknife_groups": groups if groups > 1 else 0,
            "min_samples": self.min_samples,
        }
        return {"fd": Estimate(value=value, n=n, ci_low=low, ci_high=high, ci_method=method, details=details)}

    def _groups(self, n: int, m: int, width: int) -> tuple[int, str]:
        """How many groups to leave out in turn (1 for none), and what to say about it."""
        groups = self.jackknife
        if groups == 0:
            return 1, ""
        rank = min(width, max(n, m))
        if rank > _CHEAP_RANK:
            moments = sum(size / rank for size in (n, m) if size >= width)
            groups = min(groups, int((self.max_cost - 1.0) * (moments + _DISTANCE_COST) / _QUICK_COST))
            if groups < min(_FEWEST_GROUPS, self.jackknife):
                return 1, f"none: a jackknife would cost more than {self.max_cost:g} times the distance"
        if min(n, m) < 2 * groups:
            return 1, f"none: fewer than {2 * groups} images"
        return groups, jackknife_method(groups)


def check_sizes(predictions: Features, references: Features | FeatureMoments, min_samples: int) -> None:
    """Both sets must have two samples, and ``min_samples``.

    Raises:
        UsageError: one has fewer.
    """
    least = max(2, min_samples)
    # Of imported moments the number may not be known: 0.
    for name, n in (("predictions", predictions.shape[0]), ("references", _count(references) or least)):
        if n < least:
            raise UsageError(
                f"a Fréchet distance needs at least {least} images, the {name} are {n}",
                "use the kernel distance (kid), which is unbiased for small sets, or lower min_samples",
            )


def reference_gaussian(references: Features | FeatureMoments, width: int) -> Gaussian:
    """The Gaussian of all references, which must have ``width`` features."""
    return _reference_parts(references, width, 1)(None)


def moments_of_rows(features: Features, indices: Sequence[int]) -> Moments:
    """Moments of some samples, summed in the order given.

    As :meth:`Moments.merged` of the chunks, on one triangle and in place: whole new matrices of D² numbers for every
    chunk would take a third of the time.
    """
    n, mean = 0, np.zeros(features.shape[1])
    triangle = np.zeros((features.shape[1],) * 2, order="F")
    for start in range(0, len(indices), _CHUNK_ROWS):
        rows = take(features, indices[start : start + _CHUNK_ROWS])
        own = rows.mean(axis=0)
        rows -= own
        shift, total = own - mean, n + len(rows)
        triangle = blas.dsyrk(1.0, rows.T, beta=1.0, c=triangle, lower=1, overwrite_c=1)
        triangle = blas.dsyr(n * len(rows) / total, shift, a=triangle, lower=1, overwrite_a=1)
        n, mean = total, mean + shift * (len(rows) / total)
    scatter: Float64 = np.tril(triangle)
    scatter += np.tril(triangle, -1).T
    return Moments(n, mean, scatter)


def _count(references: Features | FeatureMoments) -> int:
    return references.shape[0] if has_rows(references) else references.n


def _reference_parts(
    references: Features | FeatureMoments, width: int, groups: int
) -> Callable[[int | None], Gaussian]:
    """As :func:`_parts`; moments have no groups to leave out."""
    if has_rows(references):
        check_width(width, references.shape[1])
        return _parts(references, groups)
    check_width(width, len(references.mean))
    # Imported files may not say how many images there were; their scatter is then that of a divisor of one.
    fixed = Gaussian.of_moments(Moments(references.n or 2, references.mean, references.scatter))
    return lambda _: fixed


def _parts(features: Features, groups: int) -> Callable[[int | None], Gaussian]:
    """A function from a group to the Gaussian of all other groups; ``None`` leaves nothing out."""
    n = features.shape[0]
    member = jackknife_groups(n, groups)
    if n < features.shape[1]:
        rows = matrix(features)
        return lambda left_out: Gaussian.of_rows(rows if left_out is None else rows[member != left_out])
    whole = moments_of_rows(features, range(n))

    def part(left_out: int | None) -> Gaussian:
        if left_out is None:
            return Gaussian.of_moments(whole)
        # The moments of a group are summed when asked for: keeping those of all would take D² numbers a group.
        return Gaussian.of_moments(
            whole.without(moments_of_rows(features, np.flatnonzero(member == left_out).tolist()))
        )

    return part


def _root(covariance: Float64) -> Float64:
    try:
        return np.asarray(linalg.cholesky(covariance, lower=False, check_finite=False))
    except linalg.LinAlgError:
        values, vectors = linalg.eigh(covariance, check_finite=False)
        return np.asarray(np.sqrt(np.clip(values, 0.0, None))[:, None] * vectors.T)


def _nuclear_norm(product: Float64, quick: bool) -> float:
    """Sum of the singular values; ``quick`` takes those of large matrices as roots of symmetric eigenvalues.

    Roots halve the digits of small eigenvalues: noise of 1e-16 becomes 1e-8, times the number of null directions.
    """
    if not quick or min(product.shape) <= _CHEAP_RANK:
        return float(linalg.svdvals(product, check_finite=False).sum())
    gram = product @ product.T if product.shape[0] <= product.shape[1] else product.T @ product
    return float(np.sqrt(np.clip(np.linalg.eigvalsh(gram), 0.0, None)).sum())
