"""The baseline of a gate: one self-contained JSON file with results, rows and repeats, small enough to be committed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, ValidationError

from vtbench.core.disk.files import write_text
from vtbench.core.errors import DamagedFileError, UsageError, VtbenchError
from vtbench.core.outside.misfits import misfits
from vtbench.core.outside.parsing import boundary, load_json, read_bytes, reason
from vtbench.core.outside.seals import holds, is_sealed, sealed, unsealed
from vtbench.results.comparing.measurement import Measurement
from vtbench.results.records import strict_json
from vtbench.results.records.samples import FAILED, SCORED, Samples
from vtbench.results.records.schema import Count, MetricResult, Numbers, Section, Texts

BASELINE_VERSION = 1
_KIND = "vtbench baseline"
_AGAIN = "write it again with --update"


class Repeats(Section):
    """Values of one metric in repeats of the job: how far apart they are without anything having changed."""

    metric: str = Field(description="name of the metric")
    stratum: str = Field(default="all", description="part of the samples")
    values: tuple[float, ...] = Field(min_length=2, description="one value a repeat")


class BaselineRows(Section):
    """One entry a sample, column by column. Numbers are text, separated by spaces: exact, and one line a column."""

    ids: tuple[str, ...] = Field(description="sample ids")
    failed: tuple[str, ...] = Field(default=(), description="ids that could not be scored")
    sizes: str = Field(default="", description="height and width of each sample as 256x384; one for all where equal")
    metrics: Texts = Field(default_factory=dict, description="float64 a sample, by column")
    strata: dict[str, tuple[str, ...]] = Field(default_factory=dict, description="labels, by kind of stratum")


class BaselineJob(Section):
    """One model on one task."""

    model: str = Field(description="label of the model")
    revision: str = Field(default="", description="revision of the model")
    dtype: str = Field(default="", description="arithmetic of the model")
    task: str = Field(description="task name")
    protocol_id: str = Field(description="numbers compare only where it is equal")
    data_fingerprint: str = Field(description="numbers compare only where it is equal")
    n_expected: Count = Field(description="samples that were to be scored")
    n_scored: Count = Field(description="samples scored")
    n_failed: Count = Field(default=0, description="samples that could not be scored")
    tolerances: Numbers = Field(default_factory=dict, description="of the task, by metric")
    context: Texts = Field(default_factory=dict, description="what else can move a number")
    results: tuple[MetricResult, ...] = Field(description="as in the record")
    repeats: tuple[Repeats, ...] = Field(default=(), description="of metrics without rows")
    rows: BaselineRows | None = Field(default=None, description="none where the run kept no rows")


class Baseline(Section):
    """Everything ``vtbench check`` sets a run against."""

    kind: str = Field(default=_KIND, pattern=f"^{_KIND}$", description="tells the file from a record")
    schema_version: int = Field(default=BASELINE_VERSION, ge=1, description="version of this layout")
    jobs: tuple[BaselineJob, ...] = Field(default=(), description="one entry a model and task")


def is_baseline(path: Path) -> bool:
    """Whether the file, or the file to be written, is a baseline and not a run."""
    if path.is_dir() or not path.is_file():
        return False
    try:
        content = load_json(read_bytes(path).decode("utf-8"))
    except (OSError, ValueError, RecursionError, MemoryError):
        return False
    return isinstance(content, dict) and content.get("kind") == _KIND


def read_baseline(path: Path) -> Baseline:
    """Read a baseline.

    Raises:
        UsageError: there is no such file.
        DamagedFileError: a job was edited since it was written.
        VtbenchError: not a baseline, or one of a newer layout.
    """
    problem = f"{path} is no baseline"
    try:
        data = read_bytes(path)
    except FileNotFoundError:
        raise UsageError(f"there is no {path}", f"make it with: vtbench check RUN --baseline {path} --update") from None
    except (OSError, ValueError) as error:
        raise VtbenchError(f"{problem}: {reason(error)}", _AGAIN) from None
    with boundary(problem, _AGAIN):
        content = load_json(data.decode("utf-8"))
        return _checked(content, path, problem)


def _checked(content: Any, path: Path, problem: str) -> Baseline:
    version = content.get("schema_version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > BASELINE_VERSION:
        raise VtbenchError(
            f"{path} has layout {version}; this vtbench reads up to {BASELINE_VERSION}", "upgrade vtbench"
        )
    try:
        return Baseline.model_validate(_unsealed(content, path))
    except ValidationError as error:
        raise VtbenchError(f"{problem}: {misfits(error, 'file')}", _AGAIN) from None


def _unsealed(content: Any, path: Path) -> Any:
    """Every job has a seal of its own, so that branches merge in version control; those of earlier versions have none.

    Raises:
        DamagedFileError: a job is not what was written.
    """
    jobs = content.get("jobs") if isinstance(content, dict) else None
    if not isinstance(jobs, list):
        return content
    broken = [f"{job.get('model')} on {job.get('task')}" for job in jobs if is_sealed(job) and not holds(job)]
    if broken:
        told = f"is damaged, or was edited: {', '.join(broken)} is not what was written"
        raise DamagedFileError(path, told, _AGAIN)
    return {**content, "jobs": [unsealed(job) if is_sealed(job) else job for job in jobs]}


def write_baseline(baseline: Baseline, path: Path) -> None:
    """Write atomically, a line an id and a column, jobs by task and model, each sealed: made for version control."""
    ordered = sorted(baseline.jobs, key=lambda job: (job.task, job.model))
    content = strict_json.encode(baseline.model_copy(update={"jobs": ()}).model_dump())
    content["jobs"] = [sealed(strict_json.encode(job.model_dump())) for job in ordered]
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def job_of(found: Measurement) -> BaselineJob:
    """A measurement as it is stored."""
    return BaselineJob(
        model=found.label,
        revision=found.revision,
        dtype=found.dtype,
        task=found.task,
        protocol_id=found.protocol_id,
        data_fingerprint=found.fingerprint,
        n_expected=found.n_expected or 0,
        n_scored=found.n_scored or 0,
        n_failed=found.n_failed or 0,
        tolerances=dict(found.tolerances),
        context=dict(found.context),
        results=tuple(found.results.values()),
        repeats=tuple(
            Repeats(metric=metric, stratum=stratum, values=values)
            for (metric, stratum), values in found.repeats.items()
        ),
        rows=None if found.rows is None else _stored(found.rows),
    )


def measurement_of(job: BaselineJob, source: str) -> Measurement:
    """A stored job as a measurement."""
    return Measurement(
        source=source,
        label=job.model,
        task=job.task,
        protocol_id=job.protocol_id,
        fingerprint=job.data_fingerprint,
        results={(result.metric, result.stratum): result for result in job.results},
        dtype=job.dtype,
        revision=job.revision,
        n_expected=job.n_expected,
        n_scored=job.n_scored,
        n_failed=job.n_failed,
        tolerances=job.tolerances,
        repeats={(entry.metric, entry.stratum): entry.values for entry in job.repeats},
        context=job.context,
        read_rows=partial(_restored, job.rows, source),
    )


def _stored(samples: Samples) -> BaselineRows:
    sizes = [f"{height}x{width}" for height, width in zip(samples.height, samples.width, strict=True)]
    return BaselineRows(
        ids=tuple(samples.ids),
        failed=tuple(name for name, status in zip(samples.ids, samples.status, strict=True) if status == FAILED),
        sizes=sizes[0] if len(set(sizes)) == 1 else " ".join(sizes),
        metrics={name: _text(column) for name, column in samples.metrics.items()},
        strata={name: tuple(labels) for name, labels in samples.strata.items()},
    )


def _restored(rows: BaselineRows | None, source: str) -> Samples | None:
    if rows is None:
        return None
    with boundary(f"{source}: rows that do not fit together", _AGAIN):
        return _unpacked(rows)


def _unpacked(rows: BaselineRows) -> Samples:
    count, failed = len(rows.ids), set(rows.failed)
    sizes = rows.sizes.split()
    shape = np.array([size.split("x") for size in (sizes * count if len(sizes) == 1 else sizes)], dtype=np.int32)
    return Samples(
        ids=rows.ids,
        index=np.arange(count),
        status=[FAILED if name in failed else SCORED for name in rows.ids],
        stage=[""] * count,
        message=[""] * count,
        height=shape.reshape(-1, 2)[:, 0],
        width=shape.reshape(-1, 2)[:, 1],
        metrics={name: _numbers(column) for name, column in rows.metrics.items()},
        strata=rows.strata,
    )


def _text(column: Sequence[float] | Any) -> str:
    """Shortest exact text; whole numbers without a point."""
    return " ".join(
        str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
        for value in np.asarray(column, dtype=np.float64).tolist()
    )


def _numbers(text: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array(text.split(), dtype=np.float64)
