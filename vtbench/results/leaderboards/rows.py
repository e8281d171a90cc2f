"""A measured row of a leaderboard, read from a record: only the fields that a row needs, whatever else it holds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timezone
from pathlib import Path
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, ValidationError

from vtbench.core.errors import UsageError, VtbenchError
from vtbench.core.outside.misfits import misfits
from vtbench.core.outside.parsing import boundary, read_bytes, reason
from vtbench.results.leaderboards.columns import ENDS, FAMILIES, KEY_COLUMNS, METRIC_COLUMNS, number_text
from vtbench.results.records.record import SCHEMA_VERSION
from vtbench.results.records.schema import EnvironmentSection, Size, Status
from vtbench.results.tables.rows import NATIVE

Key = tuple[str, str, str, str, str]
"""Model, revision, protocol id, dtype, and, of what belongs to a device, the device: else empty."""
OF_A_DEVICE = "cost"
_AGAIN = "add it again from its run"
_COMPAT_TASKS = "vtbench-released-"


@dataclass(frozen=True)
class MeasuredRow:
    """One row, and the record it follows from.

    Attributes:
        file: the record.
        family: the CSV it belongs to.
        status: ``complete``, ``partial`` or ``limited``, never ``reported``: that is a row of another type.
        order: tells repeats of one measurement apart, whatever their files are called.
        cells: every column by name, as written.
    """

    file: Path
    family: str
    status: Status
    order: tuple[str, str]
    cells: Mapping[str, str]

    @property
    def key(self) -> Key:
        """What a row is known by."""
        return key_of(self.cells, self.family)


def key_of(cells: Mapping[str, str], family: str) -> Key:
    """The key of a row of a family; times and memory of two devices are two rows."""
    model, revision, protocol, dtype = (cells[name] for name in KEY_COLUMNS)
    return model, revision, protocol, dtype, cells["device"] if family == OF_A_DEVICE else ""


class _Part(BaseModel):
    """Part of a record; what is not named here is not looked at. ``check`` and ``add`` read records whole."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Result(_Part):
    metric: str
    stratum: str = "all"
    value: float
    n: int
    ci_low: float | None = None
    ci_high: float | None = None


class _Model(_Part):
    label: str
    name: str
    revision: str = ""
    kind: str
    family: str = ""
    dtype: str = "float32"
    input_size: Size | None = None
    tokens_per_image: float | None = None
    bits_per_image: float | None = None


class _Task(_Part):
    name: str
    protocol_id: str
    spec: dict[str, Any] = {}


class _Data(_Part):
    fingerprint: str
    n_expected: int
    n_scored: int
    n_failed: int = 0
    scored_size: Size | None = None


class _Environment(_Part):
    device: str = "cpu"
    cpu: str = ""
    device_name: str = ""
    threads: int | None = None

    def told(self, family: str) -> str:
        """The kind of device; of a row that belongs to one, the device itself."""
        if family != OF_A_DEVICE:
            return self.device
        return EnvironmentSection(python="", platform="", **self.model_dump()).hardware


class _Code(_Part):
    vtbench_version: str


class _Record(_Part):
    schema_version: Annotated[int, BeforeValidator(lambda value: _known_schema(value))]
    status: Status
    created: AwareDatetime
    finished: AwareDatetime
    job_key: str = ""
    model: _Model
    task: _Task
    data: _Data
    environment: _Environment = _Environment()
    code: _Code
    results: tuple[_Result, ...] = ()


def read_row(file: Path) -> MeasuredRow:
    """The row that a record stands for.

    Raises:
        UsageError: there is no such file.
        VtbenchError: not a record, one of a newer schema, or of a kind of task that has no leaderboard.
    """
    try:
        content = read_bytes(file)
    except FileNotFoundError:
        raise UsageError(f"there is no {file}", "a run writes its record last: is it finished?") from None
    except (OSError, ValueError) as error:
        raise VtbenchError(f"cannot read {file}: {reason(error)}") from error
    problem = f"{file} is not a record"
    with boundary(problem, _AGAIN):
        try:
            return _row(_Record.model_validate_json(content), content, file)
        except ValidationError as error:
            raise VtbenchError(f"{problem}: {misfits(error, 'record')}", _AGAIN) from None


def _row(record: _Record, content: bytes, file: Path) -> MeasuredRow:
    family, sha256 = _family(record, file), hashlib.sha256(content).hexdigest()
    created = record.created.astimezone(timezone.utc).isoformat()
    return MeasuredRow(file, family, record.status, (created, sha256), _cells(record, family, sha256))


def _known_schema(value: object) -> object:
    if isinstance(value, int) and value > SCHEMA_VERSION:
        raise ValueError(f"schema {value}; this vtbench reads up to {SCHEMA_VERSION}; upgrade vtbench")
    return value


def _family(record: _Record, file: Path) -> str:
    """The task's kind; compat tasks reproduce quirks on purpose and stand apart from the tasks they resemble."""
    if record.task.name.startswith(_COMPAT_TASKS) or record.task.spec.get("quirks"):
        return "compat"
    kind = record.task.spec.get("kind")
    if kind not in FAMILIES:
        raise VtbenchError(f"{file}: tasks of kind {kind!r} have no leaderboard", f"known: {', '.join(FAMILIES)}")
    return str(kind)


def _cells(record: _Record, family: str, sha256: str) -> dict[str, str]:
    """Every column of the family; what the record does not have is an empty cell."""
    found = {result.metric: result for result in record.results if result.stratum == "all"}
    model, data = record.model, record.data
    cells = {
        "model": model.label,
        "revision": model.revision,
        "protocol_id": record.task.protocol_id,
        "dtype": model.dtype,
        "status": record.status,
        "task": record.task.name,
        "data_fingerprint": data.fingerprint,
        "name": model.name,
        "kind": model.kind,
        "model_family": model.family,
        "n_expected": str(data.n_expected),
        "n_scored": str(data.n_scored),
        "n_failed": str(data.n_failed),
        "input_size": _size(record, model.input_size or data.scored_size),
        "scored_size": _size(record, data.scored_size),
        "tokens_per_image": number_text(_rate(found.get("tokens_per_image"), model.tokens_per_image)),
        "bits_per_pixel": number_text(_rate(found.get("bits_per_pixel"), _stated_bits(record))),
    }
    for name in METRIC_COLUMNS[family]:
        result = found.get(name)
        values = (None,) * 3 if result is None else (result.value, result.ci_low, result.ci_high)
        texts = [*map(number_text, values), "" if result is None else str(result.n)]
        cells |= {f"{name}{end}": text for end, text in zip(ENDS, texts, strict=True)}
    return cells | {
        "finished": record.finished.astimezone(timezone.utc).date().isoformat(),
        "vtbench_version": record.code.vtbench_version,
        "device": record.environment.told(family),
        "job_key": record.job_key,
        "record_sha256": sha256,
    }


def _size(record: _Record, size: Size | None) -> str:
    """``256``, ``256x384`` (height x width), or ``native`` where images differ: as in every table."""
    if size is None:
        side = (record.task.spec.get("preprocess") or {}).get("size")
        return NATIVE if side is None else str(side)
    return str(size[0]) if size[0] == size[1] else f"{size[0]}x{size[1]}"


def _rate(measured: _Result | None, stated: float | None) -> float | None:
    return stated if measured is None else measured.value


def _stated_bits(record: _Record) -> float | None:
    size, bits = record.data.scored_size, record.model.bits_per_image
    return None if size is None or bits is None else bits / (size[0] * size[1])
