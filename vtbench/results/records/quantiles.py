"""The worst share of a set: how bad the image is that only so many are worse than, beside the mean."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vtbench.core.info import MetricInfo

Values = NDArray[np.float64]
_RESAMPLES, _LEVEL = 1000, 0.95


class Bound(NamedTuple):
    """A value, the rows behind it, and its interval; ``None`` where there are too few."""

    value: float
    n: int
    ci_low: float | None = None
    ci_high: float | None = None
    ci_method: str = ""


def worst_quantile(info: MetricInfo, values: Values, share: float) -> Bound:
    """The value that a share of the rows is as bad as or worse than: an order statistic, nothing interpolated.

    Args:
        info: says which end is the worse one.
        values: ``float64 [N]``; NaN marks rows that do not count.
        share: between 0 and 1.
    """
    rows = values[~np.isnan(values)]
    sign = 1.0 if info.higher_is_better else -1.0
    if len(rows) == 0:
        return Bound(value=float("nan"), n=0)
    ordered = np.sort(sign * rows)
    value = sign * float(ordered[_place(len(rows), share)])
    if len(rows) < 2:
        return Bound(value=value, n=len(rows))
    draws = np.random.default_rng(0)
    place = _place(len(rows), share)
    found = [ordered[np.sort(draws.integers(0, len(rows), len(rows)))[place]] for _ in range(_RESAMPLES)]
    low, high = np.quantile(found, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2], method="nearest")
    ends = sorted((sign * float(low), sign * float(high)))
    method = f"percentile bootstrap of the quantile over lines, {_RESAMPLES} resamples, {_LEVEL:.0%}"
    return Bound(value=value, n=len(rows), ci_low=ends[0], ci_high=ends[1], ci_method=method)


def _place(count: int, share: float) -> int:
    """Of the smallest value, in ascending order, that at least the share of all is not above."""
    return max(0, int(np.ceil(round(share * count, 9))) - 1)
