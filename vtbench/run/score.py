"""Score: fold all blocks, in order, into a record. Needs the run folder only: no model, no data, no GPU."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from vtbench.core.contracts import Estimate
from vtbench.core.errors import UsageError, VtbenchError
from vtbench.core.info import MetricInfo
from vtbench.metrics.catalog import ROW_CODE_METRICS, metric_info
from vtbench.metrics.codes import merge_counts, summarise_codes
from vtbench.results.record import RECORD_FILE, RunRecord, write_record
from vtbench.results.samples import FAILED, SAMPLES_FILE, Samples, write_samples
from vtbench.results.schema import (
    DataSection,
    FailureSection,
    MetricResult,
    ModelSection,
    PerformanceSection,
    ReferenceSection,
    TaskSection,
)
from vtbench.results.statistics import aggregate, bootstrap_interval, interval_method
from vtbench.run.evaluators import SetJob, required_features, set_jobs
from vtbench.run.manifest import JobManifest
from vtbench.run.measure import CODES_PREFIX, feature_key
from vtbench.run.previews import fixed_indices, prune_previews
from vtbench.run.references import ReferenceFeatures
from vtbench.run.store import Block, BlockStore, StoredFeatures, split_blocks
from vtbench.tasks import MetricRequest, TaskSpec


def score_job(
    folder: Path,
    out: Path,
    manifest: JobManifest,
    extra: Sequence[MetricRequest] = (),
    note: Callable[[str], None] = print,
) -> RunRecord:
    """Fold the blocks of a finished job, write ``samples.parquet`` and, last, ``record.json``.

    Args:
        folder: the job's folder.
        out: the folder of all runs, which holds the reference features.
        manifest: the job.
        extra: set metrics beyond the task's own, on features that were stored.
        note: told what is being computed.

    Raises:
        VtbenchError: blocks are missing, or no sample could be scored.
    """
    task, store = manifest.task_spec, BlockStore(folder / "blocks")
    blocks = split_blocks(manifest.samples, task.block_size)
    _require_whole(store, blocks, folder)
    samples = store.samples(blocks)
    _require_some_scored(samples)
    warnings = [*manifest.warnings, *_data_warnings(task, samples)]
    results = _image_results(task, samples)
    results += _code_results(manifest, store, blocks, samples)
    set_results, reference = _set_results([*task.set_metrics, *extra], out, manifest, store, blocks, warnings, note)
    write_samples(samples, folder / SAMPLES_FILE)
    prune_previews(folder / "previews", _kept_previews(task, samples))
    record = _record(manifest, samples, results + set_results, reference, warnings, [store.meta(b) for b in blocks])
    write_record(record, folder / RECORD_FILE)
    return record


def _require_whole(store: BlockStore, blocks: Sequence[Block], folder: Path) -> None:
    missing = store.missing(blocks)
    if missing:
        raise VtbenchError(
            f"{folder}: {len(missing)} of {len(blocks)} blocks are not measured yet",
            "give the same `vtbench run` again: it goes on where it stopped",
        )


def _require_some_scored(samples: Samples) -> None:
    if all(status == FAILED for status in samples.status):
        raise VtbenchError(
            f"all {len(samples)} samples failed; the first, {samples.ids[0]}: {samples.message[0]}",
            "nothing was scored: mend the data or the model and run again with --fresh",
        )


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


def _image_results(task: TaskSpec, samples: Samples) -> list[MetricResult]:
    rates = [request for request in task.code_metrics if request.name in ROW_CODE_METRICS]
    estimates = ((metric_info(request.name), samples) for request in (*task.image_metrics, *rates))
    return [_result(info, row_estimate(info, rows)) for info, rows in estimates if _measured(info, rows)]


def _measured(info: MetricInfo, samples: Samples) -> bool:
    """A rate of a model without codes has no rows; an image metric always has, even if it applies to no image."""
    column = samples.metrics[info.row_column]
    return info.kind == "image" or not all(math.isnan(value) for value in column)


def row_estimate(info: MetricInfo, samples: Samples) -> Estimate:
    """One value and its bootstrap interval from the rows of the scored samples."""
    scored = [status != FAILED for status in samples.status]
    values = samples.metrics[info.row_column][scored]
    value, n, details = aggregate(values, info.aggregation)
    low, high = bootstrap_interval(values, info.aggregation)
    if math.isnan(low) or math.isnan(high):
        return Estimate(value=value, n=n, details=details)
    return Estimate(value=value, n=n, ci_low=low, ci_high=high, ci_method=interval_method(), details=details)


def _code_results(
    manifest: JobManifest, store: BlockStore, blocks: Sequence[Block], samples: Samples
) -> list[MetricResult]:
    wanted = {request.name for request in manifest.task_spec.code_metrics}
    counts = merge_counts([store.tensors(block, CODES_PREFIX) for block in blocks])
    if not counts:
        return []
    summary = summarise_codes(counts, manifest.tokenizer_info)
    return [
        _result(metric_info(found.metric), Estimate(value=found.value, n=found.n), found.stratum)
        for found in summary
        if found.metric in wanted
    ]


def _set_results(
    requests: Sequence[MetricRequest],
    out: Path,
    manifest: JobManifest,
    store: BlockStore,
    blocks: list[Block],
    warnings: list[str],
    note: Callable[[str], None],
) -> tuple[list[MetricResult], ReferenceSection | None]:
    results: list[MetricResult] = []
    section = None
    features = required_features(requests)
    for job in set_jobs(requests, manifest.allow_small_sets):
        names = ", ".join(job.outputs)
        if job.extractor not in manifest.references:
            raise UsageError(f"{names}: features of {job.extractor} were not measured in this run")
        note(f"{manifest.model.label}: {names}")
        references = ReferenceFeatures(out, manifest.references[job.extractor], features[job.extractor])
        reference_rows = references.stored(blocks, job.feature)
        paths = [store.tensors_path(block) for block in blocks]
        prediction_rows = StoredFeatures(paths, feature_key(job.extractor, job.feature))
        section = ReferenceSection(
            description="the task's own preprocessed images", n=reference_rows.shape[0], digest=references.key
        )
        results += _estimates(job, prediction_rows, reference_rows, warnings)
    return results, section


def _estimates(
    job: SetJob, predictions: StoredFeatures, references: StoredFeatures, warnings: list[str]
) -> list[MetricResult]:
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


def _data_warnings(task: TaskSpec, samples: Samples) -> list[str]:
    told = []
    failed = sum(status == FAILED for status in samples.status)
    if failed:
        told.append(f"{failed} of {len(samples)} samples could not be scored: see failures")
    expected = task.data.expected_count
    if expected is not None and expected != len(samples):
        told.append(f"{len(samples)} samples, where the full set has {expected}: not comparable with full-set results")
    return told


def _kept_previews(task: TaskSpec, samples: Samples) -> frozenset[int]:
    info = metric_info(task.previews.by)
    column = samples.metrics.get(info.row_column)
    worst: list[int] = []
    if column is not None:
        finite = [
            (value, int(index)) for value, index in zip(column, samples.index, strict=True) if math.isfinite(value)
        ]
        worst = [index for _, index in sorted(finite, reverse=not info.higher_is_better)[: task.previews.worst]]
    return fixed_indices(len(samples), task.previews.fixed) | frozenset(worst)


def _record(
    manifest: JobManifest,
    samples: Samples,
    results: list[MetricResult],
    reference: ReferenceSection | None,
    warnings: list[str],
    metas: list[dict[str, Any]],
) -> RunRecord:
    task = manifest.task_spec
    failures = _failures(samples)
    asked = {request.name for request in task.metrics}
    absent = asked - {result.metric for result in results} if manifest.model.import_path else set()
    return RunRecord(
        status="partial" if failures or _lost(absent, results) else "complete",
        created=manifest.created,
        finished=datetime.now(timezone.utc),
        job_key=manifest.job_key,
        command=manifest.command,
        config=manifest.config,
        model=_model(manifest.model, task, results, samples, metas),
        task=TaskSection(
            name=task.name, version=task.version, protocol_id=task.protocol_id, spec=task.model_dump(mode="json")
        ),
        data=DataSection(
            source=manifest.data_source,
            fingerprint=manifest.data_fingerprint,
            n_expected=manifest.samples,
            n_scored=len(samples) - len(failures),
            n_failed=len(failures),
            scored_size=_common_size(samples),
            reference=reference,
        ),
        determinism=manifest.determinism,
        environment=manifest.environment,
        code=manifest.code,
        results=tuple(results),
        performance=performance(metas, len(samples)),
        warnings=tuple(warnings),
        failures=tuple(failures),
    )


def _lost(absent: Iterable[str], results: Sequence[MetricResult]) -> bool:
    """Whether a metric that applies is missing; code metrics do not apply to models without such codes."""
    return any(metric_info(name).kind != "code" for name in absent)


def _model(
    model: ModelSection,
    task: TaskSpec,
    results: Sequence[MetricResult],
    samples: Samples,
    metas: Sequence[dict[str, Any]],
) -> ModelSection:
    """The model section, with what only measuring could tell."""
    values = {result.metric: result.value for result in results if result.stratum == "all"}
    side, scored = task.preprocess.size, _common_size(samples)
    size = (side, side) if side is not None else scored
    bits = values.get("bits_per_pixel")
    notes = sorted({note for meta in metas for note in meta.get("resized", [])})
    return model.model_copy(
        update={
            "input_size": size,
            "tokens_per_image": values.get("tokens_per_image"),
            "bits_per_image": bits * size[0] * size[1] if bits is not None and size is not None else None,
            "resized_in_out": "; ".join(notes[:3]) + (f" (+{len(notes) - 3} more sizes)" if len(notes) > 3 else "")
            if notes
            else None,
        }
    )


def _failures(samples: Samples) -> list[FailureSection]:
    rows = zip(samples.ids, samples.status, samples.stage, samples.message, strict=True)
    return [FailureSection(id=i, stage=stage, message=text) for i, status, stage, text in rows if status == FAILED]


def _common_size(samples: Samples) -> tuple[int, int] | None:
    sizes = {(int(h), int(w)) for h, w in zip(samples.height, samples.width, strict=True) if h}
    return sizes.pop() if len(sizes) == 1 else None


def performance(metas: Sequence[dict[str, Any]], count: int) -> PerformanceSection:
    """Where the time went, summed over blocks (over workers too, so not wall time under several)."""
    seconds: dict[str, float] = defaultdict(float)
    for meta in metas:
        for part, spent in meta["seconds"].items():
            seconds[part] += spent
    total = sum(seconds.values())
    encode, decode = seconds.pop("encode", 0.0), seconds.pop("decode", 0.0)
    shares = {"model": encode + decode, **seconds}
    return PerformanceSection(
        wall_s=total,
        images_per_s=count / total if total else None,
        encode_images_per_s=count / encode if encode else None,
        decode_images_per_s=count / decode if decode else None,
        shares={part: spent / total for part, spent in shares.items()} if total else {},
        peak_memory_mb=max((meta["peak_memory_mb"] for meta in metas), default=None),
        events=tuple(event for meta in metas for event in meta["events"]),
    )
