"""Fold stored blocks into results: rows to values with intervals, code counts to usage, features to set metrics."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vtbench.core.contracts import BlockMetric, Estimate, PartedMetric
from vtbench.core.info import MetricInfo
from vtbench.metrics.catalog.lookup import ROW_CODE_METRICS, metric_info
from vtbench.metrics.codes.usage import merge_counts, summarise_codes
from vtbench.results.records.samples import Samples
from vtbench.results.records.schema import MetricResult
from vtbench.results.records.statistics import aggregate, bootstrap_interval, interval_method
from vtbench.run.measuring.evaluators import block_metrics
from vtbench.run.measuring.prompts import cut_column
from vtbench.run.measuring.tally import CODES_PREFIX
from vtbench.run.scoring.strata import Column, Mask, strata, text_estimates
from vtbench.run.storing.blocks import Block, BlockStore
from vtbench.run.storing.manifest import JobManifest
from vtbench.tasks import TaskSpec

_OWN = "the network's own: guidance, temperature and filters of the sampler take no part"


@dataclass(frozen=True, eq=False)
class Measured:
    """A job whose blocks are all there.

    Attributes:
        out: the folder of all runs, which holds the reference features.
        folder: the job's own.
        content: digest of what the blocks hold.
    """

    out: Path
    folder: Path
    manifest: JobManifest
    store: BlockStore
    blocks: list[Block]
    samples: Samples
    content: str


def metric_result(info: MetricInfo, estimate: Estimate, stratum: str = "all") -> MetricResult:
    """An estimate under its public name."""
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
    """Metrics of images or clips, and rates, from the rows: over all samples, then by stratum.

    Of generated images, lines of a list are what counts: see ``conditioned`` beside this.
    """
    paired = () if task.kind == "generation" else (*task.video_metrics, *task.image_metrics)
    requests = [*paired, *(request for request in task.code_metrics if request.name in ROW_CODE_METRICS)]
    infos = [metric_info(request.name) for request in requests]
    return [
        metric_result(info, row_estimate(info, samples, mask), stratum)
        for stratum, mask in strata(samples, task.strata)
        for info in infos
        if _measured(info, samples)
    ]


def block_results(task: TaskSpec, samples: Samples) -> list[MetricResult]:
    """Block metrics from their columns: over all samples, then by stratum; then the parts a metric has of its own."""
    metrics = block_metrics(task.block_metrics)
    of_samples = [
        metric_result(metric.info, rows_estimate(metric.info, metric.rows(_columns(metric, samples, mask))), stratum)
        for stratum, mask in strata(samples, task.strata)
        for metric in metrics
    ]
    _, everything = next(strata(samples, ()))
    of_parts = [
        metric_result(metric.info, rows_estimate(metric.info, rows), part)
        for metric in metrics
        if isinstance(metric, PartedMetric)
        for part, rows in metric.parts(_columns(metric, samples, everything)).items()
    ]
    return of_samples + of_parts


def prompt_results(task: TaskSpec, samples: Samples) -> list[MetricResult]:
    """Prompt metrics from the rows, with how many prompts were not read to their end: over all, then by stratum."""
    infos = [metric_info(request.name) for request in task.prompt_metrics]
    return [
        metric_result(info, _with_cut(info, row_estimate(info, samples, mask), samples, mask), stratum)
        for stratum, mask in strata(samples, task.strata)
        for info in infos
    ]


def _with_cut(info: MetricInfo, found: Estimate, samples: Samples, scored: Mask) -> Estimate:
    column = samples.metrics.get(cut_column(info))  # blocks of an older vtbench have none
    if column is None or np.isnan(column[scored]).all():
        return found
    return replace(found, details={**found.details, "n_prompts_cut": int(np.nansum(column[scored]))})


def likelihood_results(task: TaskSpec, samples: Samples) -> list[MetricResult]:
    """Likelihoods from the rows, with what they are given: over all samples, then by stratum."""
    if task.likelihood is None:
        return []
    infos = [metric_info(request.name) for request in task.likelihood_metrics]
    given = {"given": task.likelihood.given, "distribution": _OWN}
    return [
        metric_result(info, replace(found, details={**found.details, **given}), stratum)
        for stratum, mask in strata(samples, task.strata)
        for info in infos
        for found in (row_estimate(info, samples, mask),)
    ]


def _columns(metric: BlockMetric, samples: Samples, mask: Mask) -> dict[str, Column]:
    return {name: np.asarray(samples.metrics[name], dtype=np.float64)[mask] for name in metric.columns}


def text_results(task: TaskSpec, samples: Samples, reader_id: str | None) -> list[MetricResult]:
    """Text metrics with the reader's floor and the excess over it: over all samples, then by stratum."""
    return [
        metric_result(metric_info(name), replace(estimate, details={**estimate.details, "reader": reader_id}), stratum)
        for stratum, mask in strata(samples, task.strata)
        for request in task.text_metrics
        for name, estimate in text_estimates(request.name, samples, mask)
    ]


def _measured(info: MetricInfo, samples: Samples) -> bool:
    """A rate of a model without codes has no rows; a metric of pairs always has, even if it applies to none."""
    column = samples.metrics[info.row_column]
    return info.kind in ("image", "video") or not all(math.isnan(value) for value in column)


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
        metric_result(metric_info(found.metric), Estimate(value=found.value, n=found.n), found.stratum)
        for found in summary
        if found.metric in wanted
    ]
