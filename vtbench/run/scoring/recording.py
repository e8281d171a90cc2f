"""Put a record together from what was planned, what was measured, and what the fold found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from vtbench.core.secrets import masked
from vtbench.metrics.catalog.lookup import metric_info
from vtbench.metrics.catalog.rates import tokens_column
from vtbench.results.records.record import RunRecord
from vtbench.results.records.samples import FAILED, Samples
from vtbench.results.records.schema import (
    DataSection,
    FailureSection,
    IntegritySection,
    MetricResult,
    ModelSection,
    ReferenceSection,
    Status,
    TaskSection,
)
from vtbench.run.scoring.performance import performance
from vtbench.run.storing.manifest import JobManifest
from vtbench.tasks import TaskSpec


def make_record(
    manifest: JobManifest,
    samples: Samples,
    results: list[MetricResult],
    reference: ReferenceSection | None,
    warnings: list[str],
    metas: list[dict[str, Any]],
    integrity: IntegritySection,
) -> RunRecord:
    """The record. Its status is partial where a sample failed or a metric of the task is missing.

    Of a limited run it is limited, unless samples failed: few samples are too few for some metrics.
    """
    task = manifest.task_spec
    failures = _failures(samples)
    return RunRecord(
        status=_status(manifest, bool(failures), results),
        created=manifest.created,
        # Another worker's clock may have been ahead when the job was planned.
        finished=max(datetime.now(timezone.utc), manifest.created),
        job_key=manifest.job_key,
        command=manifest.command,
        config=manifest.config,
        model=_model(manifest.model, task, results, samples, metas),
        task=TaskSection(
            name=task.name, version=task.version, protocol_id=manifest.protocol_id, spec=task.model_dump(mode="json")
        ),
        data=DataSection(
            source=manifest.data_source,
            fingerprint=manifest.data_fingerprint,
            n_expected=manifest.samples,
            n_scored=len(samples) - len(failures),
            n_failed=len(failures),
            scored_size=_common_size(samples),
            limited_from=manifest.limited_from,
            reference=reference,
            training=None if manifest.generation is None else manifest.generation.trained_on,
            conditions={} if manifest.generation is None else manifest.generation.conditions,
        ),
        determinism=manifest.determinism,
        environment=manifest.environment,
        code=manifest.code,
        results=tuple(results),
        performance=performance(metas, len(samples)),
        warnings=tuple(masked(warning) for warning in warnings),
        failures=tuple(failures),
        integrity=integrity,
    )


def _status(manifest: JobManifest, failed: bool, results: Sequence[MetricResult]) -> Status:
    if failed:
        return "partial"
    if manifest.limited_from is not None:
        return "limited"
    return "partial" if _lost_metrics(manifest.task_spec, results) else "complete"


def _lost_metrics(task: TaskSpec, results: Sequence[MetricResult]) -> set[str]:
    """Metrics the task asks for and nobody has.

    Metrics of codes do not apply to models without such codes, nor a word error rate to scripts without spaces.
    """
    of_codes = (*task.code_metrics, *task.robustness_metrics, *task.learnability_metrics, *task.probing_metrics)
    optional = {request.name for request in of_codes} | {"wer"}
    asked = {metric_info(request.name).name for request in task.metrics} - optional
    return asked - {result.metric for result in results}


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
    bits, frames = values.get("bits_per_pixel"), task.frames or 1
    notes = sorted({note for meta in metas for note in meta.get("resized", [])})
    # Real images are encoded for a generator at the size of its codes, which need not be that of its images.
    encoded = next((int(meta["encoded_side"]) for meta in metas if "encoded_side" in meta), model.native_size)
    native = (encoded, encoded) if encoded is not None else None
    return model.model_copy(
        update={
            "input_size": native if notes else size,
            "tokens_per_image": values.get(tokens_column(task.frames)),
            # Bits a pixel are charged at the task's size, whatever size the model runs at.
            "bits_per_image": bits * size[0] * size[1] * frames if bits is not None and size is not None else None,
            "resized_in_out": _joined_notes(notes),
        }
    )


def _joined_notes(notes: Sequence[str], most: int = 3) -> str | None:
    if not notes:
        return None
    more = f" (+{len(notes) - most} more sizes)" if len(notes) > most else ""
    return "; ".join(notes[:most]) + more


def _failures(samples: Samples) -> list[FailureSection]:
    rows = zip(samples.ids, samples.status, samples.stage, samples.message, strict=True)
    return [FailureSection(id=i, stage=stage, message=text) for i, status, stage, text in rows if status == FAILED]


def _common_size(samples: Samples) -> tuple[int, int] | None:
    sizes = {(int(h), int(w)) for h, w in zip(samples.height, samples.width, strict=True) if h}
    return sizes.pop() if len(sizes) == 1 else None
