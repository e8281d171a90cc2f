"""Rates that are sums over sums, such as a micro character error rate: value, interval, and difference of two."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vtbench.results.records.statistics import Aggregate, percentiles, resampled_means


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> Aggregate:
    """Sum over sum of the rows where neither is NaN; NaN where the denominators add up to 0.

    Args:
        numerator: ``float64 [N]``.
        denominator: ``float64 [N]``; all ones make the ratio a mean.

    Raises:
        ValueError: columns of unequal length.
    """
    rows, dropped = _applicable(numerator, denominator)
    return Aggregate(_quotient(*(math.fsum(column) for column in rows.T)), len(rows), {"n_not_applicable": dropped})


def ratio_interval(
    numerator: ArrayLike, denominator: ArrayLike, resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> tuple[float, float]:
    """Percentile-bootstrap interval of :func:`ratio` over samples; both sums are taken over the same resample.

    Returns:
        Lower and upper end; both NaN where fewer than two rows apply.
    """
    rows, _ = _applicable(numerator, denominator)
    if len(rows) < 2:
        return math.nan, math.nan
    drawn = resampled_means(rows, resamples, seed)
    return _ends(_quotients(drawn[:, 0], drawn[:, 1]), level)


def ratio_difference(
    first: tuple[ArrayLike, ArrayLike],
    second: tuple[ArrayLike, ArrayLike],
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[Aggregate, tuple[float, float]]:
    """``ratio(*first) - ratio(*second)`` on the rows where both apply, with its paired interval."""
    rows, dropped = _applicable(*first, *second)
    a, b, c, d = (math.fsum(column) for column in rows.T) if len(rows) else (0.0, 0.0, 0.0, 0.0)
    found = Aggregate(_quotient(a, b) - _quotient(c, d), len(rows), {"n_not_applicable": dropped})
    if len(rows) < 2:
        return found, (math.nan, math.nan)
    drawn = resampled_means(rows, resamples, seed)
    gaps = _quotients(drawn[:, 0], drawn[:, 1]) - _quotients(drawn[:, 2], drawn[:, 3])
    return found, _ends(gaps, level)


def mean_of_ratios(parts: Sequence[tuple[ArrayLike, ArrayLike]]) -> Aggregate:
    """The unweighted mean of :func:`ratio` of each part, such as size buckets: every part weighs the same.

    NaN where a part's denominators add up to 0: the mean of the others would be another quantity.

    Args:
        parts: numerator and denominator ``float64 [N]`` of each part, over the same samples.

    Raises:
        ValueError: no part, or columns of unequal length.
    """
    if not parts:
        raise ValueError("a mean of ratios needs a part")
    rows, dropped = _applicable(*(column for part in parts for column in part))
    sums = [math.fsum(column) for column in rows.T]
    quotients = [_quotient(*pair) for pair in zip(sums[::2], sums[1::2], strict=True)]
    return Aggregate(math.fsum(quotients) / len(parts), len(rows), {"n_not_applicable": dropped})


def mean_of_ratios_interval(
    parts: Sequence[tuple[ArrayLike, ArrayLike]], resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> tuple[float, float]:
    """Percentile-bootstrap interval of :func:`mean_of_ratios`: samples are drawn once for all parts.

    A resample that leaves a part without any denominator says nothing and is left out. Both ends are NaN where fewer
    than two rows apply.
    """
    rows, _ = _applicable(*(column for part in parts for column in part))
    if len(rows) < 2:
        return math.nan, math.nan
    drawn = resampled_means(rows, resamples, seed)
    usable = drawn[(drawn[:, 1::2] > 0).all(axis=1)]
    return _ends((usable[:, ::2] / usable[:, 1::2]).mean(axis=1), level)


def _applicable(*columns: ArrayLike) -> tuple[NDArray[np.float64], int]:
    arrays = [np.asarray(column, dtype=np.float64) for column in columns]
    if len({array.shape for array in arrays}) > 1:
        raise ValueError(f"columns of unequal length: {[array.shape for array in arrays]}")
    rows = np.stack(arrays, axis=1)
    kept = rows[~np.isnan(rows).any(axis=1)]
    return kept, len(rows) - len(kept)


def _quotient(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else math.nan


def _quotients(numerators: NDArray[np.float64], denominators: NDArray[np.float64]) -> NDArray[np.float64]:
    """Resamples without any denominator say nothing and are left out."""
    usable = denominators > 0
    return numerators[usable] / denominators[usable]


def _ends(statistics: NDArray[np.float64], level: float) -> tuple[float, float]:
    kept = statistics[~np.isnan(statistics)]
    return percentiles(kept, level) if len(kept) else (math.nan, math.nan)
