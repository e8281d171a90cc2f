"""The difference of two runs in one metric, with its interval: paired over shared samples, else from two intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vtbench.core.threads.blas import blas_on_one_thread
from vtbench.results.comparing.statistics import Matrix, RowStatistic, find_statistic, stratum_mask
from vtbench.results.records.samples import Samples
from vtbench.results.records.schema import MetricResult
from vtbench.results.records.statistics import PEAK, percentiles, resampled_means

RESAMPLES = 1000
LEVEL = 0.95
_MOST_RESAMPLES, _MOST_DRAWS = 100_000, 1_000_000_000
_LARGEST_COUNTED = 4096
_TAIL = 10
_NEARLY_PERFECT = 60.0
"""Decibels: fewer than one value in fifteen is off by one level, which float noise before the rounding can do."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """The rows of two runs on the samples that both scored, in the order of their ids.

    Attributes:
        baseline: ``float64 [N,C]``, terms of the statistic.
        candidate: as ``baseline``.
        n_lost: samples on which the metric gave a value in the baseline and gives none in the candidate.
        n_imperfect: samples that were a perfect copy (an infinite row) in the baseline, and are below 60 dB now.
        n_perfected: samples that are a perfect copy in the candidate, and were below 60 dB in the baseline.
    """

    statistic: RowStatistic
    baseline: Matrix
    candidate: Matrix
    n_lost: int = 0
    n_imperfect: int = 0
    n_perfected: int = 0

    def __len__(self) -> int:
        return len(self.baseline)

    @property
    def difference(self) -> float:
        """Candidate minus baseline, over these samples; 0 where nothing differs, NaN without a sample."""
        if not len(self):
            return math.nan
        before, after = (self.statistic.of(rows) for rows in self._sides)
        return 0.0 if before == after else after - before

    def interval(self, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0) -> tuple[float, float]:
        """Percentile bootstrap over samples, both runs resampled together; NaN ends for fewer than two samples."""
        if len(self) < 2:
            return math.nan, math.nan
        if np.array_equal(self.baseline, self.candidate):
            return 0.0, 0.0
        width = self.baseline.shape[1]
        means = _resampled(np.concatenate(self._sides, axis=1), resamples, seed)
        before, after = self.statistic.finish(means[:, :width]), self.statistic.finish(means[:, width:])
        with np.errstate(invalid="ignore"):
            gaps = np.where(before == after, 0.0, after - before)
        gaps = gaps[~np.isnan(gaps)]
        return percentiles(gaps, level) if len(gaps) else (math.nan, math.nan)

    def tested_interval(self, alpha: float) -> tuple[float, float]:
        """The interval whose ends are each missed with probability ``alpha``, for a test of many metrics at once.

        It spans the percentile bootstrap's, with resamples enough for ten to lie outside each end (or as many as can
        be afforded), and the jackknife's with Student's t: resamples of few samples never leave their range.
        """
        if len(self) < 2:
            return math.nan, math.nan
        wanted = max(RESAMPLES, min(_MOST_RESAMPLES, _MOST_DRAWS // len(self), math.ceil(_TAIL / alpha)))
        (low, high), (least, most) = self.interval(1.0 - 2.0 * alpha, wanted), self.jackknife_interval(alpha)
        return min(low, least), max(high, most)

    def jackknife_interval(self, alpha: float) -> tuple[float, float]:
        """Difference plus and minus t times its jackknife error (Efron & Tibshirani 1993, chapter 11)."""
        from scipy.special import stdtrit

        n = len(self)
        before, after = (self.statistic.finish((rows.sum(axis=0) - rows) / (n - 1)) for rows in self._sides)
        with np.errstate(invalid="ignore"):
            left_out = np.where(before == after, 0.0, after - before)
            error = math.sqrt((n - 1) / n * float(((left_out - left_out.mean()) ** 2).sum()))
        reach = -float(stdtrit(n - 1, alpha)) * error
        return self.difference - reach, self.difference + reach

    @property
    def _sides(self) -> tuple[Matrix, Matrix]:
        return self.baseline, self.candidate


def pair(baseline: tuple[MetricResult, Samples | None], candidate: tuple[MetricResult, Samples | None]) -> Pairs | None:
    """Two results of one metric and stratum, sample by sample; ``None`` without rows, or where they do not explain it.

    An infinite row on one side only stands for an error of one level in one value of the image (no error that
    can be told from none is smaller): otherwise a copy that is no longer perfect would be left out unseen.
    """
    if baseline[1] is None or candidate[1] is None:
        return None
    sides = [(baseline[0], baseline[1]), (candidate[0], candidate[1])]
    statistic = find_statistic(sides)
    if statistic is None:
        return None
    rows_before, rows_after = _shared_rows(baseline[1], candidate[1], baseline[0].stratum)
    before, after = statistic.terms(baseline[1])[rows_before], statistic.terms(candidate[1])[rows_after]
    imperfect = perfected = 0
    if statistic.leaves_out_infinite:
        caps = _caps(baseline[1])[rows_before][:, None]
        imperfect = int((np.isinf(before) & (np.abs(after) < _NEARLY_PERFECT)).sum())
        perfected = int((np.isinf(after) & (np.abs(before) < _NEARLY_PERFECT)).sum())
        before, after = _capped(before, after, caps), _capped(after, before, caps)
    applies_before, applies_after = (~np.isnan(rows).any(axis=1) for rows in (before, after))
    lost = int((applies_before & ~applies_after).sum())
    kept = applies_before & applies_after
    if statistic.leaves_out_infinite:
        kept &= ~np.isinf(before).any(axis=1)
        if not kept.any() and applies_before.any() and not lost:  # perfect copies on both sides: nothing differs
            both = np.zeros((int(applies_before.sum()), 1))
            return Pairs(statistic, both, both)
    return Pairs(statistic, before[kept], after[kept], lost, imperfect, perfected)


def unpaired_interval(baseline: MetricResult, candidate: MetricResult) -> tuple[float, float] | None:
    """Interval of ``candidate - baseline`` from their own two, as if independent (Zou & Donner 2008, MOVER).

    Too wide where both were measured on the same samples. ``None`` where either has no finite interval.
    """
    ends = (baseline.ci_low, baseline.ci_high, candidate.ci_low, candidate.ci_high, baseline.value, candidate.value)
    if any(end is None or not math.isfinite(end) for end in ends):
        return None
    low, high, own_low, own_high, before, after = (float(end) for end in ends if end is not None)
    gap = after - before
    return gap - math.hypot(after - own_low, high - before), gap + math.hypot(own_high - after, before - low)


def _shared_rows(before: Samples, after: Samples, stratum: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of the samples of a stratum that both runs scored, sorted by id."""
    rows_before, rows_after = _matched(before, after)
    wanted = stratum_mask(before, stratum)[rows_before] & stratum_mask(after, "all")[rows_after]
    return rows_before[wanted], rows_after[wanted]


@lru_cache(maxsize=8)
def _matched(before: Samples, after: Samples) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    places = {name: row for row, name in enumerate(after.ids)}
    rows = sorted((name, row, places[name]) for row, name in enumerate(before.ids) if name in places)
    both = np.array([row[1:] for row in rows], dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _caps(samples: Samples) -> Matrix:
    """Decibels of an error of one level in one of the ``3 H W`` values of each image."""
    values = 3.0 * np.asarray(samples.height, dtype=np.float64) * np.asarray(samples.width, dtype=np.float64)
    return np.asarray(10.0 * np.log10(PEAK**2 * np.maximum(values, 1.0)))


def _capped(rows: Matrix, other: Matrix, caps: Matrix) -> Matrix:
    alone = np.isinf(rows) & np.isfinite(other)
    return np.where(alone, np.copysign(caps, rows), rows)


def _resampled(columns: Matrix, resamples: int, seed: int) -> Matrix:
    """As :func:`resampled_means`; for few samples from counts that are drawn once for all metrics and runs."""
    if len(columns) > _LARGEST_COUNTED or resamples != RESAMPLES:
        return resampled_means(columns, resamples, seed)
    with blas_on_one_thread():
        return np.asarray(_counts(len(columns), resamples, seed) @ columns / len(columns))


@lru_cache(maxsize=4)
def _counts(n: int, resamples: int, seed: int) -> Matrix:
    """How often each resample draws each sample: ``[R,N]``, from the draws of :func:`resampled_means`."""
    draws = np.random.Generator(np.random.PCG64(seed)).integers(n, size=(resamples, n), dtype=np.int32)
    return np.stack([np.bincount(row, minlength=n) for row in draws]).astype(np.float64)
