"""Fold what asking a model again left in rows and block files: agreement by level and bit, drift, generations,
and metrics of reconstructions from perturbed codes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace

import numpy as np
from numpy.typing import NDArray

from vtbench.core.contracts import Estimate
from vtbench.core.info import MetricInfo
from vtbench.metrics.catalog.lookup import metric_info
from vtbench.metrics.catalog.robustness import DRIFTS, GENERATION, drift_columns, perturbed_base, robustness_rule
from vtbench.metrics.codes.agreement import part_names
from vtbench.metrics.codes.perturbing import Perturbation
from vtbench.results.records.ratios import ratio, ratio_interval
from vtbench.results.records.samples import Samples
from vtbench.results.records.schema import MetricResult
from vtbench.results.records.statistics import interval_method
from vtbench.run.measuring.evaluators import set_jobs
from vtbench.run.measuring.robustness.answers import PARTS_PREFIX, PERTURBED_PREFIX, perturbed_key
from vtbench.run.measuring.tally import feature_key
from vtbench.run.scoring.fold import Measured, metric_result, row_estimate, rows_estimate
from vtbench.run.scoring.sets import Originals, set_estimates
from vtbench.run.scoring.strata import Mask, strata
from vtbench.run.storing.features import StoredFeatures
from vtbench.tasks import MetricRequest

Rows = NDArray[np.float64]


def robustness_results(measured: Measured, warnings: list[str], note: Callable[[str], None]) -> list[MetricResult]:
    """Every robustness metric that the model could answer; what a codebook was wanted for adds a warning."""
    task, found = measured.manifest.task_spec, list[MetricResult]()
    for request in task.robustness_metrics:
        rule = robustness_rule(request.name, request.params)
        if isinstance(rule, Perturbation):
            results = list(_of_perturbed(measured, request, rule, warnings, note))
        else:
            results = [*_by_stratum(measured, request), *_parts(measured, request, rule)]
        found += results
    _tell_unasked(measured, found, warnings)
    return found


def _by_stratum(measured: Measured, request: MetricRequest) -> Iterator[MetricResult]:
    info, samples = metric_info(request.name), measured.samples
    for stratum, mask in strata(samples, measured.manifest.task_spec.strata):
        estimate = _drift(samples, info.name, mask) if info.name in DRIFTS else row_estimate(info, samples, mask)
        if not math.isnan(estimate.value):
            yield metric_result(info, estimate, stratum)


def _drift(samples: Samples, metric: str, mask: Mask) -> Estimate:
    change, spread = (np.asarray(samples.metrics[name], dtype=np.float64)[mask] for name in drift_columns(metric))
    found, (low, high) = ratio(change, spread), ratio_interval(change, spread)
    if math.isnan(low):
        return Estimate(value=found.value, n=found.n, details=found.details)
    method = interval_method()
    return Estimate(value=found.value, n=found.n, ci_low=low, ci_high=high, ci_method=method, details=found.details)


def _parts(measured: Measured, request: MetricRequest, rule: object) -> Iterator[MetricResult]:
    """A stratum a round, a level, and a bit of a level."""
    info, samples = metric_info(request.name), measured.samples
    _, scored = next(strata(samples, ()))
    if info.name == GENERATION:
        for number in rule.rounds:  # type: ignore[attr-defined]
            column = samples.metrics[rule.column(number)]  # type: ignore[attr-defined]
            yield metric_result(info, rows_estimate(info, np.asarray(column)[scored]), f"generation={number}")
        return
    rows = _stored(measured, f"{PARTS_PREFIX}{info.name}")
    if rows is None:
        return
    sizes = measured.manifest.tokenizer_info.codebook_sizes
    names = part_names(sizes, rows.shape[1])
    levels = list(dict.fromkeys(name.partition(",")[0] for name in names))
    if len(levels) < len(names):
        for level in levels:
            own = [place for place, name in enumerate(names) if name.partition(",")[0] == level]
            yield metric_result(info, rows_estimate(info, rows[:, own].mean(1)), level)
    for place, name in enumerate(names):
        yield metric_result(info, rows_estimate(info, rows[:, place]), name)


def _stored(measured: Measured, key: str) -> Rows | None:
    """Rows of a tensor of all blocks; ``None`` where no block has it."""
    parts = [measured.store.tensors(block, key) for block in measured.blocks]
    rows = [part[""] for part in parts if "" in part and len(part[""])]
    return np.concatenate(rows) if rows else None


def _of_perturbed(
    measured: Measured, request: MetricRequest, rule: Perturbation, warnings: list[str], note: Callable[[str], None]
) -> Iterator[MetricResult]:
    info, told = metric_info(request.name), asdict(rule)
    if info.column:
        results = _by_stratum(measured, request)
    else:
        results = iter(_of_sets(measured, request, info, rule, warnings, note))
    for result in results:
        yield result.model_copy(update={"details": {**result.details, **told}})


def _of_sets(
    measured: Measured,
    request: MetricRequest,
    info: MetricInfo,
    rule: Perturbation,
    warnings: list[str],
    note: Callable[[str], None],
) -> Sequence[MetricResult]:
    """The plain metric's estimator, with its parameters, on features of reconstructions from perturbed codes."""
    base = perturbed_base(request.name)
    plain = [one for one in measured.manifest.task_spec.set_metrics if one.name == base]
    (job,) = set_jobs(plain, measured.manifest.allow_small_sets)
    key = perturbed_key(rule, feature_key(job.extractor, job.feature))
    if not any(measured.store.tensors(block, key) for block in measured.blocks):
        return []
    note(f"{measured.manifest.model.label}: {info.name}")
    job = replace(job, outputs={info.name: info}, names={info.name: job.names[plain[0].name]})
    predictions = StoredFeatures([measured.store.tensors_path(block) for block in measured.blocks], key)
    return set_estimates(job, predictions, Originals(measured, plain).find(job), warnings)


def _tell_unasked(measured: Measured, found: Sequence[MetricResult], warnings: list[str]) -> None:
    asked = [request.name for request in measured.manifest.task_spec.robustness_metrics]
    lost = {name for name in asked if perturbed_base(name) is not None} - {result.metric for result in found}
    any_kept = any(measured.store.tensors(block, PERTURBED_PREFIX) for block in measured.blocks)
    if lost and not any_kept and measured.manifest.tokenizer_info.codebook_sizes:
        told = ", ".join(sorted(lost))
        warnings.append(f"{told} not computed: the tokenizer shows no codebook(level) to draw neighbours from")
