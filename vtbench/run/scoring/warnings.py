"""What a reader of a record must know: samples that failed, values over a part of the samples, sets too small."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from vtbench.core.info import MetricInfo
from vtbench.data.conditions import line_of
from vtbench.metrics.catalog.lookup import metric_info
from vtbench.results.records.samples import FAILED, Samples
from vtbench.results.records.schema import MetricResult
from vtbench.results.tables.limits import limited_text
from vtbench.run.scoring.instances import empty_bucket_warnings, unscored_warnings
from vtbench.run.storing.manifest import JobManifest
from vtbench.tasks import TaskSpec


def warnings_of(
    manifest: JobManifest, samples: Samples, results: Sequence[MetricResult], of_sets: Sequence[str]
) -> list[str]:
    """Every warning of a record, in order.

    What follows from ``--limit`` alone (a set too small for a metric, empty buckets, fewer samples than the full set)
    is one line: whoever limits a run knows that it is a trial.

    Args:
        of_sets: what set metrics had to say of the size of the set.
    """
    task = manifest.task_spec
    small = [*_full_set(task, samples), *empty_bucket_warnings(task, samples), *of_sets]
    if manifest.limited_from is not None:
        small = [limited_text(len(samples), manifest.limited_from, _lost(task, results))]
    return [
        *manifest.warnings,
        *_changed(manifest),
        *_failures(samples),
        *unscored_warnings(task, samples),
        *count_warnings(task, samples, results),
        *_cut_prompts(results),
        *small,
    ]


def _changed(manifest: JobManifest) -> list[str]:
    names = manifest.changed_metrics
    told = f"{', '.join(names)}: as the code was when it was measured, which changed since: run the task again"
    return [told] if names else []


def count_warnings(task: TaskSpec, samples: Samples, results: Sequence[MetricResult]) -> list[str]:
    """Values over fewer samples than were scored, and why; metrics that share count and reason share a line."""
    scored = sum(status != FAILED for status in samples.status)
    infos = _infos(task)
    lines = len({line_of(name) for name, status in zip(samples.ids, samples.status, strict=True) if status != FAILED})
    of_lines = {request.name for request in (*task.condition_metrics, *task.image_metrics)}
    by_line = of_lines if task.kind == "generation" else set()
    of_some = (*task.instance_metrics, *task.learnability_metrics, *task.probing_metrics, *task.judged_metrics)
    counted_apart = {request.name for request in of_some}
    told: dict[str, list[str]] = {}
    for result in results:
        counted_by_line = result.metric.removesuffix("_images").removesuffix("_prompts") in by_line
        due, of = (lines, "lines") if counted_by_line else (scored, "samples")
        if result.stratum == "all" and result.n < due and result.metric not in counted_apart:
            reasons = "; ".join(_reasons(result, infos.get(result.metric), samples))
            why = f"{result.n} of {due} {of}{f': {reasons}' if reasons else ''}"
            told.setdefault(why, []).append(result.metric)
    return [f"{', '.join(names)}: {why}" for why, names in told.items()]


def _cut_prompts(results: Sequence[MetricResult]) -> Iterator[str]:
    for result in results:
        if result.stratum == "all" and (cut := result.details.get("n_prompts_cut")):
            told = f"{cut} of {result.n} prompts are longer than the text encoder reads, and were cut"
            yield f"{result.metric}: {told}: what their ends ask for does not count"


def _lost(task: TaskSpec, results: Sequence[MetricResult]) -> list[str]:
    """Metrics without a value over all samples, of those that few samples can be too few for."""
    found = {result.metric for result in results if result.stratum == "all" and not math.isnan(result.value)}
    return [request.name for request in (*task.set_metrics, *task.instance_metrics) if request.name not in found]


def _infos(task: TaskSpec) -> dict[str, MetricInfo]:
    """Metrics with a row an image, by the name of their results."""
    of_pairs = (*task.image_metrics, *task.video_metrics, *task.block_metrics)
    of_samples = (*task.prompt_metrics, *task.condition_metrics)
    requests = [*of_pairs, *of_samples, *task.likelihood_metrics]
    return {info.name: info for info in (metric_info(request.name) for request in requests)}


def _reasons(result: MetricResult, info: MetricInfo | None, samples: Samples) -> Iterator[str]:
    perfect, others = (int(result.details.get(name, 0)) for name in ("n_infinite", "n_not_applicable"))
    if others and info is not None and _too_small(info, samples) == others:
        yield f"{others} with a side below {info.least_side} px"
    elif others:
        yield f"it does not apply to {others}"
    if perfect:
        yield f"{perfect} perfect copies, whose value is infinite, left out"


def _too_small(info: MetricInfo, samples: Samples) -> int:
    """Scored samples with a side that is too short for the metric."""
    scored = np.array([status != FAILED for status in samples.status], dtype=np.bool_)
    return int((np.minimum(samples.height, samples.width)[scored] < info.least_side).sum())


def _failures(samples: Samples) -> list[str]:
    failed = sum(status == FAILED for status in samples.status)
    return [f"{failed} of {len(samples)} samples could not be scored: see failures"] if failed else []


def _full_set(task: TaskSpec, samples: Samples) -> list[str]:
    expected = task.data.expected_count
    if expected is None or expected == len(samples):
        return []
    return [f"{len(samples)} samples, where the full set has {expected}: not comparable with full-set results"]
