"""What is compared: one model on one task, from a record, a stored baseline or a row of a leaderboard, in one shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from vtbench.core.errors import DamagedFileError, UsageError
from vtbench.results.records.record import RECORD_FILE, RunRecord, warn_of
from vtbench.results.records.samples import SAMPLES_FILE, Samples, read_samples
from vtbench.results.records.schema import MetricResult

Key = tuple[str, str]
"""Name of a metric, and stratum."""
JUDGES = ("reader", "recogniser", "device")
"""Details that name what judged or what was timed on: numbers of two of them do not compare."""


def _no_rows() -> Samples | None:
    return None


@dataclass(frozen=True, eq=False)
class Measurement:
    """One model on one task.

    Attributes:
        source: where it was read from.
        protocol_id: ``name@version+hash``.
        fingerprint: of the data; empty where it is not stated.
        n_expected: samples that were to be scored; ``None`` where it is not stated, as are the two below.
        revision: of the model.
        tolerances: of the task, by metric.
        repeats: values of a metric in repeats of the same job.
        context: what else can move a number (package versions, device, seed), to be told beside a regression.
        read_rows: gives the rows, or ``None`` where they were not kept.
        record: that it is of; ``None`` where it was read from something else.
    """

    source: str
    label: str
    task: str
    protocol_id: str
    fingerprint: str
    results: Mapping[Key, MetricResult]
    dtype: str = ""
    revision: str = ""
    n_expected: int | None = None
    n_scored: int | None = None
    n_failed: int | None = None
    tolerances: Mapping[str, float] = field(default_factory=dict)
    repeats: Mapping[Key, tuple[float, ...]] = field(default_factory=dict)
    context: Mapping[str, str] = field(default_factory=dict)
    read_rows: Callable[[], Samples | None] = _no_rows
    record: RunRecord | None = None

    @cached_property
    def rows(self) -> Samples | None:
        """One row a sample, read when first asked for."""
        return self.read_rows()


def from_record(record: RunRecord, source: Path) -> Measurement:
    """A finished run; its rows lie beside the record.

    Args:
        record: the record.
        source: its file, or its folder.
    """
    folder = source.parent if source.name == RECORD_FILE or source.is_file() else source
    data = record.data
    return Measurement(
        source=str(folder),
        label=record.model.label,
        task=record.task.name,
        protocol_id=record.task.protocol_id,
        fingerprint=data.fingerprint,
        results={(result.metric, result.stratum): result for result in record.results},
        dtype=record.model.dtype,
        revision=record.model.revision,
        n_expected=data.n_expected,
        n_scored=data.n_scored,
        n_failed=data.n_failed,
        tolerances={str(name): float(value) for name, value in (record.task.spec.get("tolerances") or {}).items()},
        context=context_of(record),
        read_rows=lambda: _rows_beside(folder),
        record=record,
    )


def context_of(record: RunRecord) -> dict[str, str]:
    """What can move a number without moving the protocol."""
    weights = ", ".join(sorted(weight.sha256[:12] for weight in record.model.weights))
    return {
        "model": record.model.reference,
        "revision": record.model.revision,
        "weights": weights,
        "dtype": record.model.dtype,
        "seed": str(record.determinism.seed),
        "device": record.environment.device_name or record.environment.device,
        "vtbench": record.code.vtbench_version,
        **record.environment.packages,
    }


def not_comparable(baseline: Measurement, candidate: Measurement) -> str:
    """Why no number of the two compares; empty where they do."""
    if baseline.protocol_id != candidate.protocol_id:
        return f"protocol {baseline.protocol_id}, now {candidate.protocol_id}"
    before, after = (_devices(side) for side in (baseline, candidate))
    if before and after and before != after:
        return f"device {', '.join(before)}, now {', '.join(after)}"
    stated = baseline.fingerprint and candidate.fingerprint
    if stated and baseline.fingerprint != candidate.fingerprint:
        return f"data {baseline.fingerprint[:12]}, now {candidate.fingerprint[:12]}"
    return ""


def _devices(side: Measurement) -> list[str]:
    """What times and memory are of; a difference of the data would not say why there are no comparable ones."""
    return sorted({str(result.details["device"]) for result in side.results.values() if "device" in result.details})


def results_differ(baseline: MetricResult, candidate: MetricResult) -> str:
    """Why two results of one name do not compare; empty where they do."""
    if baseline.version != candidate.version:
        return f"version {baseline.version} of the metric, now {candidate.version}"
    for judge in JUDGES:
        before, after = baseline.details.get(judge), candidate.details.get(judge)
        if before is not None and after is not None and before != after:
            return f"{judge} {before}, now {after}"
    return ""


def _rows_beside(folder: Path) -> Samples | None:
    try:
        return read_samples(folder / SAMPLES_FILE)
    except UsageError:
        return None
    except DamagedFileError as error:
        warn_of(error)
        return None
