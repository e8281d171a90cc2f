"""Times and memory of calls, from the rows: order statistics, since a mean is what one slow call makes of it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vtbench.core.contracts import Estimate
from vtbench.metrics.catalog.lookup import metric_info
from vtbench.results.records.samples import Samples
from vtbench.results.records.schema import MetricResult
from vtbench.results.records.statistics import percentiles
from vtbench.run.scoring.fold import metric_result
from vtbench.run.scoring.strata import strata
from vtbench.tasks import TaskSpec

Rows = NDArray[np.float64]
_RESAMPLES, _SEED, _LEVEL = 1000, 0, 0.95


def cost_results(task: TaskSpec, samples: Samples, device: str) -> list[MetricResult]:
    """Cost metrics over all calls, with the device that they are of in the details."""
    if task.timing is None:
        return []
    _, scored = next(strata(samples, ()))
    details = {"device": device, "warm_up": task.timing.warm_up, "images_a_call": 1}
    found = []
    for request in task.cost_metrics:
        info = metric_info(request.name)
        rows = np.asarray(samples.metrics[info.row_column], dtype=np.float64)[scored]
        estimate = _estimate(rows[~np.isnan(rows)], _AT[info.name.rpartition("_")[2]])
        found.append(metric_result(info, replace(estimate, details=details)))
    return found


def _estimate(rows: Rows, at: float) -> Estimate:
    """The smallest value that at least the share ``at`` of the calls did not exceed; resampled over calls."""
    n = len(rows)
    if n == 0:
        return Estimate(value=math.nan, n=0)
    place = math.ceil(at * n) - 1
    value = float(np.sort(rows)[place])
    if n < 2 or at == 1.0:  # resamples of the largest value never exceed it
        return Estimate(value=value, n=n)
    draws = np.random.Generator(np.random.PCG64(_SEED)).integers(n, size=(_RESAMPLES, n))
    low, high = percentiles(np.sort(rows[draws], axis=1)[:, place], _LEVEL)
    method = f"percentile bootstrap over calls, {_RESAMPLES} resamples, {_LEVEL:.0%}"
    return Estimate(value=value, n=n, ci_low=low, ci_high=high, ci_method=method)


_AT: dict[str, float] = {"ms": 0.5, "p95": 0.95, "mb": 1.0}
"""By the end of a metric's name: median, 95th percentile, largest."""
