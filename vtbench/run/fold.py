"""Fold stored blocks into results: rows to values with intervals, code counts to usage, features to set metrics."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vtbench.core.contracts import BlockMetric, Estimate, Features, PartedMetric
from vtbench.core.errors import UsageError
from vtbench.core.info import MetricInfo
from vtbench.metrics.catalog import ROW_CODE_METRICS, metric_info
from vtbench.metrics.codes import merge_counts, summarise_codes
from vtbench.results.samples import FAILED, Samples
from vtbench.results.schema import MetricResult, ReferenceSection
from vtbench.results.statistics import aggregate, bootstrap_interval, interval_method
from vtbench.run.evaluators import SetJob, block_metrics, required_features, set_jobs
from vtbench.run.fold_strata import Column, Mask, strata, text_estimates
from vtbench.run.manifest import JobManifest
from vtbench.run.measure import CODES_PREFIX, feature_key
from vtbench.run.references import ReferenceFeatures
from vtbench.run.store import Block, BlockStore, SelectedFeatures, StoredFeatures
from vtbench.tasks import MetricRequest, TaskSpec

BEFORE_THE_MODEL = ("decode", "preprocess")
"""Stages at which a sample fails before it has a reference."""


@dataclass(frozen=True, eq=False)
class Measured:
    """A job whose blocks are all there.

    Attributes:
        out: the folder of all runs, which holds the reference features.
    """

    out: Path
    manifest: JobManifest
    store: BlockStore
    blocks: list[Block]
    samples: Samples


def _result(info: MetricInfo, estimate: Estimate, stratum: str = "all") -> MetricResult:
    return MetricResult(
        metric=info.name,
        stratum=stratum,
        value=estimate.value,
        n=estimate.n,
        ci_low=estimate.ci_low,
        ci_high=estimate.ci_high,
        ci_method=estimate.ci_method,
        unit=info.unit,
        higher_is_better=info.higher_is_better,
        version=info.version,
        details=dict(estimate.details),
    )


def image_results(task: TaskSpec, samples: Samples) -> list[MetricResult]:
    """Image metrics and rates from the rows: over all samples, then by stratum."""
    requests = [*task.image_metrics, *(request for request in task.code_metrics if request.name in ROW_CODE_METRICS)]
    infos = [metric_info(request.name) for request in requests]
    return [
        _result(info, row_estimate(info, samples, mask), stratum)
        for stratum, mask in strata(samples, task.strata)
        for info in infos
        if _measured(info, samples)
    ]


def block_results(task: TaskSpec, samples: Samples) -> list[MetricResult]:
    """Block metrics from their columns: over all samples, then by stratum; then the parts a metric has of its own."""
    metrics = block_metrics(task.block_metrics)
    of_samples = [
        _result(metric.info, rows_estimate(metric.info, metric.rows(_columns(metric, samples, mask))), stratum)
        for stratum, mask in strata(samples, task.strata)
        for metric in metrics
    ]
    _, everything = next(strata(samples, ()))
    of_parts = [
        _result(metric.info, rows_estimate(metric.info, rows), part)
        for metric in metrics
        if isinstance(metric, PartedMetric)
        for part, rows in metric.parts(_columns(metric, samples, everything)).items()
    ]
    return of_samples + of_parts


def _columns(metric: BlockMetric, samples: Samples, mask: Mask) -> dict[str, Column]:
    return {name: np.asarray(samples.metrics[name], dtype=np.float64)[mask] for name in metric.columns}


def text_results(task: TaskSpec, samples: Samples, reader_id: str | None) -> list[MetricResult]:
    """Text metrics with the reader's floor and the excess over it: over all samples, then by stratum."""
    return [
        _result(metric_info(name), replace(estimate, details={**estimate.details, "reader": reader_id}), stratum)
        for stratum, mask in strata(samples, task.strata)
        for request in task.text_metrics
        for name, estimate in text_estimates(request.name, samples, mask)
    ]


def _measured(info: MetricInfo, samples: Samples) -> bool:
    """A rate of a model without codes has no rows; an image metric always has, even if it applies to no image."""
    column = samples.metrics[info.row_column]
    return info.kind == "image" or not all(math.isnan(value) for value in column)


def row_estimate(info: MetricInfo, samples: Samples, mask: Mask) -> Estimate:
    """One value and its bootstrap interval from some of the rows."""
    return rows_estimate(info, samples.metrics[info.row_column][mask])


def rows_estimate(info: MetricInfo, values: Column) -> Estimate:
    """One value and its bootstrap interval from rows, aggregated as ``info`` says."""
    value, n, details = aggregate(values, info.aggregation)
    low, high = bootstrap_interval(values, info.aggregation)
    if math.isnan(low) or math.isnan(high):
        return Estimate(value=value, n=n, details=details)
    return Estimate(value=value, n=n, ci_low=low, ci_high=high, ci_method=interval_method(), details=details)


def code_results(measured: Measured) -> list[MetricResult]:
    """Usage, perplexity and entropy of the codes over the whole set."""
    wanted = {request.name for request in measured.manifest.task_spec.code_metrics}
    counts = merge_counts([measured.store.tensors(block, CODES_PREFIX) for block in measured.blocks])
    if not counts:
        return []
    summary = summarise_codes(counts, measured.manifest.tokenizer_info)
    return [
        _result(metric_info(found.metric), Estimate(value=found.value, n=found.n), found.stratum)
        for found in summary
        if found.metric in wanted
    ]


def set_results(
    measured: Measured, requests: Sequence[MetricRequest], warnings: list[str], note: Callable[[str], None]
) -> tuple[list[MetricResult], ReferenceSection | None]:
    """Set metrics on stored features, and what they were compared with. Metrics that cannot be had add a warning."""
    results: list[MetricResult] = []
    section = None
    manifest, features = measured.manifest, required_features(requests)
    for job in set_jobs(requests, manifest.allow_small_sets):
        names = ", ".join(job.outputs)
        if job.extractor not in manifest.references:
            raise UsageError(f"{names}: features of {job.extractor} were not measured in this run")
        note(f"{manifest.model.label}: {names}")
        store = ReferenceFeatures(measured.out, manifest.references[job.extractor], features[job.extractor])
        references = _of_scored(store.stored(measured.blocks, job.feature), measured.samples)
        paths = [measured.store.tensors_path(block) for block in measured.blocks]
        predictions = StoredFeatures(paths, feature_key(job.extractor, job.feature))
        section = ReferenceSection(
            description="the task's own preprocessed images", n=references.shape[0], digest=store.key
        )
        results += _estimates(job, predictions, references, warnings)
    return results, section


def _of_scored(references: StoredFeatures, samples: Samples) -> Features:
    """The references of the scored samples: row by row those of the predictions, also where the model failed."""
    decoded = [
        status for status, stage in zip(samples.status, samples.stage, strict=True) if stage not in BEFORE_THE_MODEL
    ]
    scored = [row for row, status in enumerate(decoded) if status != FAILED]
    return references if len(scored) == len(decoded) else SelectedFeatures(references, scored)


def _estimates(job: SetJob, predictions: Features, references: Features, warnings: list[str]) -> list[MetricResult]:
    """Run one estimator; a set too small for it costs that metric only, and the record says so."""
    names = ", ".join(job.outputs)
    try:
        found = job.estimator(predictions, references)
    except UsageError as error:
        hint = f" ({error.hint})" if error.hint else ""
        warnings.append(f"{names} not computed: {error.what}{hint}")
        return []
    count, width = predictions.shape
    if names.startswith("f") and count <= width:
        warnings.append(f"{names}: {count} images for {width}-d features: mostly bias; compare at equal n, or use KID")
    return [_result(info, found[job.names[name]]) for name, info in job.outputs.items()]
