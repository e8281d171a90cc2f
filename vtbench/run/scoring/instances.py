"""Results of words and faces: the mean of each size bucket, and the unweighted mean of the three."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from vtbench.core.contracts import Estimate
from vtbench.data.preparing.tokbench_buckets import BUCKETS
from vtbench.metrics.catalog.lookup import metric_info
from vtbench.metrics.texts.instances import IGNORED, UNSCORED, count_column, sum_column
from vtbench.results.records.ratios import mean_of_ratios, mean_of_ratios_interval, ratio, ratio_interval
from vtbench.results.records.samples import FAILED, Samples
from vtbench.results.records.schema import MetricResult
from vtbench.results.records.statistics import interval_method
from vtbench.run.scoring.strata import Column
from vtbench.tasks import TaskSpec

_JUDGE = {"words": "reader", "faces": "recogniser"}


def instance_results(task: TaskSpec, samples: Samples, judge_id: str | None) -> list[MetricResult]:
    """Each metric over all instances (stratum ``all``, the mean of the buckets' means), then by ``bucket=…``.

    ``n`` counts instances; intervals are over images, since the instances of one image are not independent. ``all`` is
    NaN where a bucket is empty: it would be another quantity.
    """
    if task.instances is None:
        return []
    judge = {_JUDGE[task.instances.of]: judge_id}
    return [
        MetricResult(
            metric=info.name,
            stratum=stratum,
            value=found.value,
            n=found.n,
            ci_low=found.ci_low,
            ci_high=found.ci_high,
            ci_method=found.ci_method,
            unit=info.unit,
            higher_is_better=info.higher_is_better,
            version=info.version,
            details={**found.details, **judge},
        )
        for info in (metric_info(request.name) for request in task.instance_metrics)
        for stratum, found in _estimates(info.name, samples)
    ]


def empty_bucket_warnings(task: TaskSpec, samples: Samples) -> list[str]:
    """Size buckets without an instance, for want of which there is no overall score."""
    if task.instances is None:
        return []
    empty = [bucket for bucket in BUCKETS if not _total(samples, count_column(bucket))]
    names = ", ".join(request.name for request in task.instance_metrics)
    return [f"no {task.instances.of} in the size bucket {' or '.join(empty)}: no overall {names}"] if empty else []


def unscored_warnings(task: TaskSpec, samples: Samples) -> list[str]:
    """Instances without a score, which a reader of the numbers must know of."""
    unscored = 0 if task.instances is None else _total(samples, UNSCORED)
    if task.instances is None or not unscored:
        return []
    return [f"{unscored} {task.instances.of} could not be scored, and are left out"]


def _estimates(metric: str, samples: Samples) -> Iterator[tuple[str, Estimate]]:
    parts = [(_column(samples, sum_column(metric, b)), _column(samples, count_column(b))) for b in BUCKETS]
    overall = mean_of_ratios(parts)
    counts = {f"n_{bucket}": _total(samples, count_column(bucket)) for bucket in BUCKETS}
    details = {**counts, "n_ignored": _total(samples, IGNORED), "n_unscored": _total(samples, UNSCORED)}
    interval = mean_of_ratios_interval(parts) if all(map(_spread, parts)) else None
    yield "all", _estimate(overall.value, sum(counts.values()), interval, {"mean": "of bucket means", **details})
    for bucket, part in zip(BUCKETS, parts, strict=True):
        count = counts[f"n_{bucket}"]
        if count:
            images = {"n_images": int((part[1] > 0).sum())}
            yield (
                f"bucket={bucket}",
                _estimate(ratio(*part).value, count, ratio_interval(*part) if _spread(part) else None, images),
            )


def _estimate(value: float, n: int, interval: tuple[float, float] | None, details: Mapping[str, object]) -> Estimate:
    if interval is None:
        return Estimate(value=value, n=n, details=details)
    low, high = interval
    return Estimate(value=value, n=n, ci_low=low, ci_high=high, ci_method=interval_method(), details=details)


def _spread(part: tuple[Column, Column]) -> bool:
    """Instances in two images at least: resamples of a single one cannot show any spread."""
    return int((part[1] > 0).sum()) >= 2


def _column(samples: Samples, name: str) -> Column:
    scored = np.array([status != FAILED for status in samples.status], dtype=np.bool_)
    return np.asarray(samples.metrics[name], dtype=np.float64)[scored]


def _total(samples: Samples, name: str) -> int:
    return int(np.nansum(_column(samples, name)))
