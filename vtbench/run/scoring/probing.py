"""What classifiers tell of held-out images, from the features and codes that blocks keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vtbench.core.errors import UsageError, VtbenchError
from vtbench.core.outside.seals import REPAIR
from vtbench.core.threads.blas import blas_on_one_thread
from vtbench.metrics.catalog.lookup import metric_info
from vtbench.metrics.catalog.probing import HISTOGRAM_PROBE, probe_of
from vtbench.metrics.probes.histograms import bit_shares, index_shares
from vtbench.metrics.probes.problem import Matrix, Problem
from vtbench.results.records.samples import SCORED, Samples
from vtbench.results.records.schema import MetricResult
from vtbench.run.probing.labelled import LabelledSplit
from vtbench.run.probing.sequences import Geometry
from vtbench.run.probing.stored_codes import stored_geometry, stored_sequences
from vtbench.run.scoring.fold import Measured, metric_result, rows_estimate
from vtbench.run.scoring.strata import Mask, strata
from vtbench.run.storing.kept_codes import POOLED_PREFIX
from vtbench.tasks import MetricRequest


def probing_results(measured: Measured, warnings: list[str], note: Callable[[str], None]) -> list[MetricResult]:
    """Results of a task of probing: over all images held out, then by stratum. What cannot be had adds a warning.

    Raises:
        UsageError: too few images, or labels of them.
        AdapterError: codes of unlike geometries.
        DamagedFileError: a block is damaged.
    """
    spec = measured.manifest.task_spec.probing
    if spec is None:
        return []
    split = LabelledSplit.of_rows(measured.samples, spec)
    geometry = stored_geometry(measured.store, measured.blocks, measured.manifest.tokenizer_info)
    sources = {True: None if geometry is None else _histograms(measured, geometry), False: _pooled(measured)}
    found: list[MetricResult] = []
    for request in measured.manifest.task_spec.probing_metrics:
        source = sources[request.name == HISTOGRAM_PROBE]
        if source is None:
            continue
        note(f"{measured.manifest.model.label}: {request.name}")
        try:
            found += _asked(measured, request, source, split, warnings)
        except UsageError as error:
            warnings.append(f"{request.name} not computed: {error.what}")
    if sources[False] is None and geometry is not None and not geometry.binary:
        warnings += _without_codebook(measured)
    return found


@dataclass(frozen=True, eq=False)
class _Source:
    """Features of all scored images, ``float64 [N,D]``, and what they are."""

    name: str
    rows: Matrix


def _pooled(measured: Measured) -> _Source | None:
    parts = [measured.store.tensors(block, POOLED_PREFIX) for block in measured.blocks]
    names = {name for part in parts for name in part}
    if not names:
        return None
    name, *others = names
    rows = np.concatenate([part[name] for part in parts if name in part]) if not others else ()
    if len(rows) != sum(status == SCORED for status in measured.samples.status):
        raise VtbenchError(f"{measured.folder}: {len(rows)} rows of pooled codes are not one a scored image", REPAIR)
    return _Source(f"{name}, mean over positions", np.asarray(rows, dtype=np.float64))


def _histograms(measured: Measured, geometry: Geometry) -> _Source:
    name = "share of tokens with each bit set" if geometry.binary else "share of tokens with each index"
    parts = list(_shares(measured, geometry))
    if geometry.binary:
        return _Source(name, np.concatenate(parts))
    from scipy.sparse import vstack

    return _Source(name, vstack(parts, format="csr"))


def _shares(measured: Measured, geometry: Geometry) -> Iterator[Any]:
    for tokens in stored_sequences(measured.store, measured.blocks, geometry):
        if geometry.binary:
            yield bit_shares(tokens.numpy(), geometry.lengths)
        else:
            yield index_shares(tokens.numpy(), geometry.lengths, geometry.sizes)


def _asked(
    measured: Measured, request: MetricRequest, source: _Source, split: LabelledSplit, warnings: list[str]
) -> Iterator[MetricResult]:
    if isinstance(source.rows, np.ndarray) and not np.isfinite(source.rows).all():
        raise UsageError(f"{source.name}, are not finite of every image")
    problem = Problem(source.rows[split.places], split.labels, split.held_out, split.validation)
    with blas_on_one_thread():
        answer = probe_of(request.name, request.params)(problem)
    if answer.warning:
        warnings.append(f"{request.name}: {answer.warning}")
    truth, fitted = split.labels[split.held_out], split.labels[~split.held_out]
    right = (answer.labels == truth).astype(np.float64)
    details = {
        "features": source.name,
        **answer.details,
        "fitted_images": len(fitted),
        "labels": len(np.unique(split.labels)),
        "commonest_label_top1": float((truth == np.bincount(fitted).argmax()).mean()),
        "n_unlabelled": source.rows.shape[0] - len(split.places),
        "n_of_labels_not_fitted": int((~np.isin(truth, fitted)).sum()),
    }
    info = metric_info(request.name)
    for stratum, mask in _held_out_strata(measured.samples, measured.manifest.task_spec.strata, split):
        if mask.any():
            estimate = rows_estimate(info, right[mask])
            yield metric_result(info, replace(estimate, details={**estimate.details, **details}), stratum)


def _held_out_strata(samples: Samples, names: Sequence[str], split: LabelledSplit) -> Iterator[tuple[str, Mask]]:
    """Of each part of the samples, which of those held out are in it."""
    scored = np.array([status == SCORED for status in samples.status], dtype=np.bool_)
    for stratum, mask in strata(samples, names):
        yield stratum, mask[scored][split.places][split.held_out]


def _without_codebook(measured: Measured) -> list[str]:
    """What pooled codes were wanted for."""
    names = [request.name for request in measured.manifest.task_spec.probing_metrics if request.name != HISTOGRAM_PROBE]
    lacks = "the tokenizer shows no codebook(level) to take its codes' entries from"
    return [f"{', '.join(names)} not computed: {lacks}"] if names else []
