"""Rows to one value, and how far it can be trusted: ordered float64 aggregation and seeded percentile bootstraps.

Every function is a pure function of its arguments: the number of workers, blocks or batches that produced the rows
cannot show in the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vtbench.core.info import Aggregation

Rows = NDArray[np.float64]
PEAK = 255.0
_DRAWS_AT_ONCE = 1 << 21


class Aggregate(NamedTuple):
    """One value, the number of rows behind it, and how many rows were left out and why."""

    value: float
    n: int
    details: dict[str, int]


class PairedDifference(NamedTuple):
    """``candidate - baseline`` on the samples both have, with its interval; ``n_dropped`` pairs could not be used."""

    difference: float
    ci_low: float
    ci_high: float
    n: int
    n_dropped: int


def interval_method(resamples: int = 1000, level: float = 0.95) -> str:
    """What ``ci_method`` of a result says about :func:`bootstrap_interval`."""
    return f"percentile bootstrap over samples, {resamples} resamples, {level:.0%}"


def aggregate(values: ArrayLike, how: Aggregation) -> Aggregate:
    """One value from the rows of an image metric.

    NaN marks a sample the metric does not apply to: excluded and counted (``n_not_applicable``). The sum is exact
    (``math.fsum``), so neither order nor blocks can move it.

    Args:
        values: ``float64 [N]``.
        how: ``mean``; ``mean_finite``, which leaves infinities out and counts them (``n_infinite``), unless every
            row is infinite: then that is the value; ``pooled_psnr``, which takes rows of mean squared errors in 8-bit
            levels and gives ``10 log10(255² / mean)`` decibels, infinite for a mean of 0; ``pooled_error_db``, its
            negative.

    Returns:
        The value (NaN without any row), the rows used, the rows left out.

    Raises:
        ValueError: not a vector, an unknown ``how``, or a negative mean squared error.
    """
    rows, details = _applicable(values, how)
    if how == "mean_finite":
        finite = rows[np.isfinite(rows)]
        details["n_infinite"] = len(rows) - len(finite)
        rows = finite if len(finite) else rows
    return Aggregate(_finish(_exact_mean(rows), how), len(rows), details)


def bootstrap_interval(
    values: ArrayLike, how: Aggregation, resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> tuple[float, float]:
    """Percentile-bootstrap interval of :func:`aggregate` over samples (Efron & Tibshirani 1993, section 13.3).

    The rows that :func:`aggregate` uses are drawn with replacement; the ends are order statistics of the resampled
    value, so the interval of ``pooled_psnr`` is exactly the transformed interval of its mean squared error. Memory is
    bounded by one chunk of draws (a few tens of MB), whatever N.

    Args:
        values: ``float64 [N]``, as for :func:`aggregate`.
        how: as for :func:`aggregate`.
        resamples: bootstrap resamples.
        seed: equal seeds and rows give equal ends.
        level: coverage aimed at.

    Returns:
        Lower and upper end; both NaN where fewer than two rows can be used.

    Raises:
        ValueError: as for :func:`aggregate`, or ``resamples`` or ``level`` out of range.
    """
    rows, _ = _applicable(values, how)
    if how == "mean_finite" and np.isfinite(rows).any():
        rows = rows[np.isfinite(rows)]
    if len(rows) < 2:
        return math.nan, math.nan
    means = resampled_means(rows[:, None], resamples, seed)[:, 0]
    ends = [_finish(end, how) for end in percentiles(means, level)]
    return min(ends), max(ends)


def paired_bootstrap(
    baseline: Mapping[str, float],
    candidate: Mapping[str, float],
    how: Aggregation = "mean",
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> PairedDifference:
    """Is a change real? The interval of ``candidate - baseline``, resampling the samples that both scored.

    Pairing removes the spread between images, which is far larger than most changes.

    Args:
        baseline: sample id to row.
        candidate: sample id to row.
        how: as for :func:`aggregate`; with ``pooled_psnr`` both sides are pooled within each resample. A pair with a
            NaN is dropped and counted, and with ``mean_finite`` one with an infinity.
        resamples: bootstrap resamples.
        seed: equal seeds and rows give equal ends, whatever the order of the mappings.
        level: coverage aimed at.

    Returns:
        Difference and interval; all NaN without a usable pair, the ends NaN with a single one.

    Raises:
        ValueError: an unknown ``how``, a negative mean squared error, ``resamples`` or ``level`` out of range.
    """
    shared = sorted(baseline.keys() & candidate.keys())
    pairs = np.array([[baseline[key], candidate[key]] for key in shared], dtype=np.float64).reshape(-1, 2)
    usable = np.isfinite(pairs).all(axis=1) if how == "mean_finite" else ~np.isnan(pairs).any(axis=1)
    pairs = pairs[usable]
    for column in pairs.T:
        _applicable(column, how)
    dropped = len(shared) - len(pairs)
    if not len(pairs):
        return PairedDifference(math.nan, math.nan, math.nan, 0, dropped)
    difference = _gap([_exact_mean(column) for column in pairs.T], how)
    if len(pairs) < 2:
        return PairedDifference(difference, math.nan, math.nan, 1, dropped)
    gaps = np.array([_gap(means, how) for means in resampled_means(pairs, resamples, seed).tolist()])
    low, high = percentiles(gaps, level)
    return PairedDifference(difference, low, high, len(pairs), dropped)


def _applicable(values: ArrayLike, how: Aggregation) -> tuple[Rows, dict[str, int]]:
    rows = np.asarray(values, dtype=np.float64)
    if rows.ndim != 1:
        raise ValueError(f"rows must be a vector, got shape {rows.shape}")
    if how not in _FINISH:
        raise ValueError(f"unknown aggregation {how!r}; known: {', '.join(_FINISH)}")
    applies = ~np.isnan(rows)
    kept = rows[applies]
    if how.startswith("pooled_") and (kept < 0).any():
        raise ValueError("a mean squared error cannot be negative")
    return kept, {"n_not_applicable": len(rows) - len(kept)}


def _exact_mean(rows: Rows) -> float:
    """Correctly rounded sum over the count; infinities follow IEEE arithmetic (inf - inf is NaN)."""
    if not len(rows):
        return math.nan
    if not np.isfinite(rows).all():
        return math.nan if (rows == math.inf).any() and (rows == -math.inf).any() else float(rows.sum())
    return math.fsum(rows.tolist()) / len(rows)


def _pooled_psnr(mean_squared_error: float) -> float:
    if mean_squared_error == 0.0:
        return math.inf
    return 10.0 * (2.0 * math.log10(PEAK) - math.log10(mean_squared_error))


_FINISH: dict[str, Callable[[float], float]] = {
    "mean": lambda mean: mean,
    "mean_finite": lambda mean: mean,
    "pooled_psnr": lambda mean: math.nan if math.isnan(mean) else _pooled_psnr(mean),
    "pooled_error_db": lambda mean: math.nan if math.isnan(mean) else -_pooled_psnr(mean),
}


def _finish(mean: float, how: Aggregation) -> float:
    return _FINISH[how](mean)


def _gap(means: list[float], how: Aggregation) -> float:
    """Candidate minus baseline; equal infinities differ by nothing."""
    before, after = (_finish(mean, how) for mean in means)
    return 0.0 if before == after else after - before


def resampled_means(columns: Rows, resamples: int, seed: int) -> NDArray[np.float64]:
    """Means ``[resamples, C]`` of the columns of ``[N, C]``, all columns resampled together, a chunk at a time."""
    if resamples < 1:
        raise ValueError(f"resamples must be positive, got {resamples}")
    count = len(columns)
    generator = np.random.Generator(np.random.PCG64(seed))
    contiguous = [np.ascontiguousarray(column) for column in columns.T]
    means = np.empty((resamples, len(contiguous)))
    step = max(1, _DRAWS_AT_ONCE // count)
    for start in range(0, resamples, step):
        draws = generator.integers(count, size=(min(step, resamples - start), count), dtype=np.int32)
        for position, column in enumerate(contiguous):
            means[start : start + step, position] = column[draws].mean(axis=1)
    return means


def percentiles(statistics: NDArray[Any], level: float) -> tuple[float, float]:
    """Central order statistics: no interpolation, so infinities are kept and monotone transforms commute."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    ordered = np.sort(statistics)
    # rounded first: 1 - 0.95 is a little more than 0.05 in floating point
    outside = math.floor(round(len(ordered) * (1.0 - level) / 2.0, 9))
    return float(ordered[outside]), float(ordered[len(ordered) - 1 - outside])
