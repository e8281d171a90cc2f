"""Fold maps: confusion over the whole set, means over maps; of several samples a map their mean and their best."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vtbench.core.contracts import Estimate
from vtbench.metrics.catalog.lookup import metric_info
from vtbench.metrics.catalog.maps import best_of
from vtbench.metrics.maps.segmentation import intersection_over_union, mean_iou
from vtbench.results.records.samples import FAILED
from vtbench.results.records.schema import MetricResult
from vtbench.results.records.statistics import interval_method, percentiles
from vtbench.run.measuring.maps.asked import CONFUSION, PREFIX
from vtbench.run.scoring.fold import Measured, metric_result, rows_estimate
from vtbench.tasks.sections import MapsSpec

Counts = NDArray[np.int64]
Values = NDArray[np.float64]
_RESAMPLES, _SEED, _LEVEL = 1000, 0, 0.95


def map_results(measured: Measured) -> list[MetricResult]:
    """All that a task of maps asks for, over the maps that could be scored."""
    task = measured.manifest.task_spec
    if task.maps is None:
        return []
    kept = np.array([status != FAILED for status in measured.samples.status])
    parts = [measured.store.tensors(block, PREFIX) for block in measured.blocks]
    arrays = {name: np.concatenate([part[name] for part in parts])[kept] for name in parts[0]}
    names = [request.name for request in task.map_metrics]
    if task.maps.of == "segmentation":
        return [*_of_labels(arrays[CONFUSION.removeprefix(PREFIX)], task.maps, names)]
    return [result for name in names for result in _of_values(name, arrays[name])]


def _of_values(name: str, values: Values) -> Iterator[MetricResult]:
    """``[N,K]``: the mean over samples of every map, then the best of them."""
    info, samples = metric_info(name), values.shape[1]
    details = {"samples_a_map": samples}
    yield metric_result(info, _with(rows_estimate(info, values.mean(axis=1)), details))
    if samples > 1:
        best = metric_info(best_of(name, samples))
        chosen = values.max(axis=1) if info.higher_is_better else values.min(axis=1)
        yield metric_result(best, _with(rows_estimate(best, chosen), details))


def _of_labels(counts: Counts, spec: MapsSpec, names: Sequence[str]) -> Iterator[MetricResult]:
    """``[N,K,C,C+1]``: pixels of all maps together, sample by sample, then of the best sample of every map."""
    samples = counts.shape[1]
    details = {"samples_a_map": samples, "ignore": spec.ignore}
    for name in names:
        classes = list(spec.moving) if name == "mo_miou" else None
        yield metric_result(metric_info(name), _with(_estimate(counts, classes), details))
        if samples > 1:
            own = np.nan_to_num(mean_iou(counts, classes), nan=-1.0)
            best = np.take_along_axis(counts, own.argmax(axis=1)[:, None, None, None], axis=1)
            yield metric_result(metric_info(best_of(name, samples)), _with(_estimate(best, classes), details))
    each = np.array([intersection_over_union(counts[:, place].sum(axis=0)) for place in range(samples)])
    for place in range(each.shape[1] if "miou" in names else 0):
        if not np.isnan(each[:, place]).all():
            value = 100.0 * float(np.nanmean(each[:, place]))
            yield metric_result(metric_info("miou"), Estimate(value=value, n=len(counts)), f"class={place}")


def _with(estimate: Estimate, details: dict[str, int]) -> Estimate:
    return replace(estimate, details={**estimate.details, **details})


def _estimate(counts: Counts, classes: list[int] | None) -> Estimate:
    """The mean over samples of the mean IoU over the set; resampled over maps."""
    n = len(counts)

    def value(weights: Values) -> Values:
        # sums of whole numbers, exact in float64 in any order
        sums = [weights @ counts[:, place].reshape(n, -1) for place in range(counts.shape[1])]
        shape = (len(weights), *counts.shape[2:])
        means: Values = np.mean([mean_iou(found.reshape(shape), classes) for found in sums], axis=0)
        return means

    there = int((~np.isnan(intersection_over_union(counts.sum(axis=(0, 1)))))[classes or slice(None)].sum())
    found = Estimate(value=float(value(np.ones((1, n)))[0]), n=n, details={"n_classes": there})
    return found if n < 2 or math.isnan(found.value) else _with_interval(found, value, n)


def _with_interval(found: Estimate, value: Callable[[Values], Values], n: int) -> Estimate:
    draws = np.random.Generator(np.random.PCG64(_SEED)).integers(n, size=(_RESAMPLES, n))
    weights = np.stack([np.bincount(draw, minlength=n) for draw in draws]).astype(np.float64)
    resampled = value(weights)
    low, high = percentiles(resampled[~np.isnan(resampled)], _LEVEL)
    how = interval_method(_RESAMPLES, _LEVEL).replace("over samples", "over maps")
    return replace(found, ci_low=low, ci_high=high, ci_method=how)
