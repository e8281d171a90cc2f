"""Values of generated images against what they were made from: means over the lines of a list, and their intervals.

Several images of one prompt are no independent draws: each line counts once, and lines are what is resampled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vtbench.core.contracts import Estimate
from vtbench.core.foreign.guard import foreign
from vtbench.core.info import MetricInfo
from vtbench.data.conditions import line_of
from vtbench.metrics.catalog.conditioned import CONDITION_REGISTRY, condition_columns, condition_entry
from vtbench.metrics.catalog.lookup import metric_info
from vtbench.results.records.quantiles import worst_quantile
from vtbench.results.records.samples import Samples
from vtbench.results.records.schema import MetricResult
from vtbench.results.records.statistics import interval_method, percentiles, resampled_means
from vtbench.run.scoring.fold import metric_result, rows_estimate
from vtbench.run.scoring.strata import Column, Mask, strata
from vtbench.tasks import MetricRequest, TaskSpec

Lines = NDArray[np.int64]
_RESAMPLES, _SEED, _LEVEL = 1000, 0, 0.95
_LEAST_LINES = 2


def condition_results(task: TaskSpec, samples: Samples) -> list[MetricResult]:
    """Condition metrics from the rows: over all samples, then by stratum."""
    lines = line_numbers(samples.ids)
    requests = [(one, metric_info(one.name)) for one in task.condition_metrics]
    summed = {one.name: made for one, _ in requests if (made := _estimates_of(one.name)) is not None}
    return [
        metric_result(info, _estimate(request, info, samples, mask, lines), stratum)
        for stratum, mask in strata(samples, task.strata)
        for request, info in requests
        if request.name not in summed
    ] + [
        metric_result(replace(info, name=metric), estimate, stratum)
        for request, info in requests
        if request.name in summed
        for (metric, stratum), estimate in _summed(summed[request.name], request, info, samples, lines).items()
    ]


def truth_results(task: TaskSpec, samples: Samples) -> list[MetricResult]:
    """Image metrics of a generation task from the rows: over all samples, then by stratum."""
    if task.kind != "generation":
        return []
    lines = line_numbers(samples.ids)
    infos = [metric_info(request.name) for request in task.image_metrics]
    by_stratum = [
        (at, info, mean_of_lines(samples.metrics[info.row_column][mask], lines[mask]))
        for at, mask in strata(samples, task.strata)
        for info in infos
    ]
    means = [metric_result(info, rows_estimate(info, values), at) for at, info, values in by_stratum]
    shares = () if task.conditions is None else task.conditions.quantiles
    worst = [
        metric_result(info, Estimate(**worst_quantile(info, values, share)._asdict()), f"quantile={share:g}")
        for share in shares
        for at, info, values in by_stratum
        if at == "all"
    ]
    return means + worst


def line_numbers(ids: Sequence[str]) -> Lines:
    """For each sample the number of the line that it was made from, ``int64 [N]``, in order of appearance."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(line_of(name), len(numbers)) for name in ids], dtype=np.int64)


def mean_of_lines(values: Column, lines: Lines) -> Column:
    """The mean over the images of each line that a metric applies to, ``float64 [G]``; NaN where it applies to none."""
    order, places = np.unique(lines, return_inverse=True)
    applies = ~np.isnan(values)
    counts = np.bincount(places, weights=applies.astype(np.float64), minlength=len(order))
    with np.errstate(invalid="ignore", divide="ignore"):
        sums = np.bincount(places, weights=np.where(applies, values, 0.0), minlength=len(order))
        return np.where(counts > 0, sums / counts, np.nan)


def _estimates_of(name: str) -> Any:
    """What makes a metric's values of its rows, where that is not a mean over lines."""
    return getattr(CONDITION_REGISTRY.load(name), "estimates", None)


def _summed(
    estimates: Any, request: MetricRequest, info: MetricInfo, samples: Samples, lines: Lines
) -> dict[tuple[str, str], Estimate]:
    """By metric and stratum, of the scored samples."""
    _, scored = next(strata(samples, ()))
    columns = {
        name: np.asarray(samples.metrics[name], dtype=np.float64)[scored]
        for name in condition_columns(request.name, info, request.params)
    }
    fields = {
        name: [str(samples.strata[name][place]) for place in np.flatnonzero(scored).tolist()]
        for name in condition_entry(request.name).fields
    }
    with foreign(f"metric {info.name}"):
        found: dict[tuple[str, str], Estimate] = estimates(columns, lines[scored], fields, request.params)
    return found


def _estimate(request: MetricRequest, info: MetricInfo, samples: Samples, mask: Mask, lines: Lines) -> Estimate:
    names = condition_columns(request.name, info, request.params)
    columns = {name: np.asarray(samples.metrics[name], dtype=np.float64)[mask] for name in names}
    target = CONDITION_REGISTRY.load(request.name)
    fold, of_means = getattr(target, "fold", None), getattr(target, "of_means", None)
    with foreign(f"metric {info.name}"):
        if of_means is not None:
            return _of_means(of_means, columns, lines[mask])
        if fold is not None:
            return rows_estimate(info, np.asarray(fold(columns, lines[mask]), dtype=np.float64))
    return rows_estimate(info, mean_of_lines(columns[names[0]], lines[mask]))


def _of_means(of_means: Callable[..., Column], columns: Mapping[str, Column], lines: Lines) -> Estimate:
    """A value that is no mean over lines, with a bootstrap interval over them."""
    order, places = np.unique(lines, return_inverse=True)
    sums = {name: np.bincount(places, weights=one, minlength=len(order)) for name, one in columns.items()}
    value = float(of_means({name: one.mean(keepdims=True) for name, one in sums.items()})[0])
    if len(order) < _LEAST_LINES or not np.isfinite(value):
        return Estimate(value=value, n=len(order))
    means = resampled_means(np.stack(list(sums.values()), axis=1), _RESAMPLES, _SEED)
    drawn = of_means({name: means[:, place] for place, name in enumerate(sums)})
    low, high = percentiles(drawn, _LEVEL)
    return Estimate(value=value, n=len(order), ci_low=low, ci_high=high, ci_method=interval_method())
