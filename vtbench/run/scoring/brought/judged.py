"""What judges gave, from rows of one prompt each: overall as the benchmark averages, then by stratum and by part."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from vtbench.core.contracts import Estimate
from vtbench.metrics.catalog.judged import JudgedMetric, judged_metric
from vtbench.metrics.judged.tags import of_parts
from vtbench.results.records.judged import BY, LIMIT, PARTS, WEIGHTS, finish_of, part_column, parts_of
from vtbench.results.records.samples import FAILED, Samples
from vtbench.results.records.schema import MetricResult
from vtbench.run.scoring.fold import metric_result
from vtbench.run.scoring.strata import Mask, natural, strata
from vtbench.tasks import MetricRequest, TaskSpec


def judged_results(task: TaskSpec, samples: Samples) -> list[MetricResult]:
    """Every judged metric, with its judge in the details; nothing for a task of another kind."""
    return [result for request in task.judged_metrics for result in _results(task, request, samples)]


def _results(task: TaskSpec, request: MetricRequest, samples: Samples) -> Iterator[MetricResult]:
    metric = judged_metric(request.name)
    assert metric is not None and task.judged is not None
    info = replace(metric.info, higher_is_better=not task.judged.lower_is_better) if _is_open(metric) else metric.info
    told = {**request.params, "prompts": task.judged.prompts}
    rule = _rule(metric, task, samples)
    for stratum, mask in [*strata(samples, task.strata), *_parts(metric, samples)]:
        details = rule if stratum == "all" else {}
        if stratum == "all" and not _has_overall(info.name, rule, samples):
            continue
        found = _estimate(samples, info.name, stratum, details, mask)
        if found.n:
            yield metric_result(info, replace(found, details={**told, **found.details}), stratum)


def _is_open(metric: JudgedMetric) -> bool:
    """Whether nothing is known of a metric but its name: which way is better was then said by whoever brought it."""
    return metric.info.higher_is_better is None


def _rule(metric: JudgedMetric, task: TaskSpec, samples: Samples) -> dict[str, Any]:
    """Details that say what the overall value is a mean of, where it is not that over everything."""
    by = metric.by or (task.judged.mean_over if task.judged is not None and _is_open(metric) else "")
    if metric.mean_of_parts:
        return {PARTS: [f"{metric.parts[0]}={label}" for label in metric.labels]}
    if metric.limit:
        return {LIMIT: metric.limit}
    if not by:
        return {}
    labels = metric.labels or sorted({*samples.strata[by]} - {""}, key=natural)
    return {BY: by, WEIGHTS: dict(zip(labels, metric.weights or [1.0] * len(labels), strict=True))}


def _has_overall(name: str, rule: dict[str, Any], samples: Samples) -> bool:
    """A metric of which only parts were brought has no value of its own."""
    return bool(rule) or name in samples.metrics


def _parts(metric: JudgedMetric, samples: Samples) -> Iterator[tuple[str, Mask]]:
    """Strata that are parts of prompts, each with columns of its own."""
    _, scored = next(strata(samples, ()))
    begins = tuple(part_column(metric.info.name, f"{field}=") for field in metric.parts)
    columns = [name for name in samples.metrics if begins and name.startswith(begins) and not name.endswith("_n")]
    order = {field: place for place, field in enumerate(metric.parts)}
    stratum = sorted(
        (name.removeprefix(part_column(metric.info.name, "")) for name in columns),
        key=lambda part: (order[part.partition("=")[0]], natural(part.partition("=")[2])),
    )
    yield from ((part, scored) for part in stratum)


def _estimate(samples: Samples, name: str, stratum: str, details: dict[str, Any], mask: Mask) -> Estimate:
    try:
        parts = parts_of(samples, name, stratum, details)
    except KeyError:  # a part that no prompt has: what is averaged over it would be another number
        scored = sum(status != FAILED for status in samples.status)
        return Estimate(value=math.nan, n=scored if stratum == "all" else 0, details=details)
    kept = [(sums[mask], counts[mask]) for sums, counts in parts]
    return of_parts(kept, finish_of(details, stratum), details)
