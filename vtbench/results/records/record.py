"""``RunRecord``: everything a finished job found, and how; written as ``record.json``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, Field, ValidationError, model_validator

from vtbench.core.digests import digest_json
from vtbench.core.disk.files import user_path, write_text
from vtbench.core.errors import DamagedFileError, UsageError, VtbenchError
from vtbench.core.outside.misfits import misfits
from vtbench.core.outside.parsing import read_bytes, reason, stored
from vtbench.core.outside.seals import is_sealed, unsealed
from vtbench.results.records import strict_json
from vtbench.results.records.first_homes import first_home
from vtbench.results.records.schema import (
    CodeSection,
    ConfigSection,
    DataSection,
    DeterminismSection,
    EnvironmentSection,
    FailureSection,
    IntegritySection,
    MetricResult,
    ModelSection,
    PerformanceSection,
    Section,
    Status,
    TaskSection,
)

SCHEMA_VERSION = 1
RECORD_FILE = "record.json"
_RUN_ID_DIGITS = 12
_REPAIR = "give the same vtbench run again: the record is made anew from the run's blocks"


class RunRecord(Section):
    """One model on one task. ``record.json`` is this, as strict JSON (non-finite floats are strings)."""

    schema_version: int = Field(default=SCHEMA_VERSION, ge=1, description="version of this layout")
    status: Status = Field(
        description="complete; partial: samples failed or a metric is missing; limited: --limit cut the set"
    )
    created: AwareDatetime = Field(description="when the job began, with its time zone")
    finished: AwareDatetime = Field(description="when the record was written, with its time zone")
    job_key: str = Field(default="", description="name of the run folder")
    command: tuple[str, ...] = Field(default=(), description="command line, a word an entry")
    config: ConfigSection = Field(default_factory=ConfigSection, description="options as given and as resolved")
    model: ModelSection = Field(description="the model")
    task: TaskSection = Field(description="the task, whole")
    data: DataSection = Field(description="the images")
    determinism: DeterminismSection = Field(default_factory=DeterminismSection, description="seeds and switches")
    environment: EnvironmentSection = Field(description="machine and packages")
    code: CodeSection = Field(description="which vtbench")
    results: tuple[MetricResult, ...] = Field(default=(), description="one entry a metric and stratum")
    performance: PerformanceSection = Field(default_factory=PerformanceSection, description="time and memory")
    warnings: tuple[str, ...] = Field(default=(), description="what a reader of the numbers must know")
    failures: tuple[FailureSection, ...] = Field(default=(), description="samples that could not be scored")
    integrity: IntegritySection = Field(default_factory=IntegritySection, description="digests of what it was made of")

    @model_validator(mode="after")
    def _results_are_unique(self) -> RunRecord:
        keys = [(result.metric, result.stratum) for result in self.results]
        repeated = sorted({f"{metric} ({stratum})" for metric, stratum in keys if keys.count((metric, stratum)) > 1})
        if repeated:
            raise ValueError(f"results given twice: {', '.join(repeated)}")
        return self

    @model_validator(mode="after")
    def _ends_after_it_began(self) -> RunRecord:
        if self.finished < self.created:
            raise ValueError(f"finished {self.finished.isoformat()} before it was created")
        return self

    @property
    def run_id(self) -> str:
        """Twelve hex digits that name what was measured: equal for a repeat of the same job, wherever it ran."""
        model = self.model.model_dump(include={"reference", "revision", "import_path", "args", "dtype", "weights"})
        identity = {
            "model": model | {"import_path": first_home(self.model.import_path)},
            "task": self.task.protocol_id,
            "data": [self.data.fingerprint, self.data.n_expected],
            "seed": self.determinism.seed,
        }
        return digest_json(strict_json.exact(identity), length=_RUN_ID_DIGITS)

    def result(self, metric: str, stratum: str = "all") -> MetricResult | None:
        """The result of that name, or ``None``."""
        matches = (entry for entry in self.results if (entry.metric, entry.stratum) == (metric, stratum))
        return next(matches, None)

    def results_digest(self) -> str:
        """SHA-256 over the results alone, floats bit by bit, whatever their order.

        Equal for a run that was resumed, or shared among workers, and one that was not.
        """
        rows = sorted(self.results, key=lambda entry: (entry.metric, entry.stratum))
        return digest_json([strict_json.exact(entry.model_dump()) for entry in rows])


def write_record(record: RunRecord, path: Path) -> None:
    """Write ``record.json`` atomically, sealed; fields in declared order, free-form keys sorted."""
    write_text(path, strict_json.dumps_sealed(record.model_dump()))


def refuse_newer_record(path: Path) -> None:
    """Refuse to write over a record that a newer vtbench wrote; any other, a damaged one too, may be replaced.

    Raises:
        VtbenchError: names both schemas.
    """
    try:
        content = _read_json(path)
    except VtbenchError:
        return
    version = content.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise VtbenchError(
            f"{path} has schema {version} and stays as it is; this vtbench writes {SCHEMA_VERSION}",
            "upgrade vtbench: a newer one wrote it; or move the record away",
        )


def read_record(path: Path | str) -> RunRecord:
    """Read one record, from its file or its run folder.

    Raises:
        UsageError: there is no such file.
        DamagedFileError: not JSON, not a record, or edited since it was written.
        VtbenchError: it may not be read, or is of a newer schema.
    """
    return read_record_with_seal(path)[0]


def read_record_with_seal(path: Path | str) -> tuple[RunRecord, bool]:
    """As :func:`read_record`, and whether a digest vouches for it: records of earlier versions have none."""
    file = Path(path)
    file = file / RECORD_FILE if file.is_dir() and file.name != RECORD_FILE else file
    found = _read_json(file)
    content = _unsealed(found, file)
    _check_schema(content, file)
    with stored(file, "is not a record", _REPAIR):
        try:
            return RunRecord.model_validate(content), is_sealed(found)
        except ValidationError as error:
            raise DamagedFileError(file, f"is not a record: {misfits(error, 'record')}", _REPAIR) from None


def find_records(path: Path | str) -> list[Path]:
    """Every ``record.json`` at or below ``path`` (or the file itself), sorted.

    Raises:
        UsageError: nothing is there.
    """
    root = user_path(path)
    files = [root] if root.is_file() else sorted(root.rglob(RECORD_FILE), key=lambda file: file.parts)
    if not files:
        problem = "holds no record.json" if root.exists() else "does not exist"
        raise UsageError(f"{path} {problem}", "give a run folder, or any folder above finished runs")
    return files


def load_records(path: Path | str) -> list[RunRecord]:
    """Read the record of a file, of a run folder, or of every run below a folder, in the order of their paths.

    Raises:
        UsageError: nothing is there.
        VtbenchError: none that can be read; one that cannot is told as a warning and hides no other.
    """
    return [record for _, record in readable_records(path)]


def warn_of(problem: VtbenchError) -> None:
    """Tell of a record that is passed over, in one line with its repair."""
    warnings.warn(f"passed over: {' '.join(str(problem).split())}", stacklevel=2)


def readable_records(
    path: Path | str, unreadable: Callable[[VtbenchError], None] = warn_of
) -> Iterator[tuple[Path, RunRecord]]:
    """Every record at or below ``path`` that can be read, with its file.

    Args:
        path: a record, a run folder, or a folder above runs.
        unreadable: told of every other record, unless ``path`` names it itself or nothing can be read.

    Raises:
        UsageError: nothing is there.
        VtbenchError: the record that ``path`` names cannot be read, or no record can.
    """
    root, problems, found = user_path(path), [], False
    for file in find_records(path):
        try:
            record = read_record(file)
        except VtbenchError as error:
            if file in (root, root / RECORD_FILE):
                raise
            problems.append(error)
            continue
        found = True
        yield file, record
    if problems and not found:
        raise problems[0]
    for problem in problems:
        unreadable(problem)


def _read_json(file: Path) -> dict[str, Any]:
    try:
        data = read_bytes(file)
    except FileNotFoundError:
        raise UsageError(f"there is no {file}", "a run writes its record last: is it finished?") from None
    except IsADirectoryError:
        raise DamagedFileError(file, "is a folder", f"move it away, and {_REPAIR}") from None
    except (OSError, ValueError) as error:
        raise VtbenchError(f"cannot read {file}: {reason(error)}") from error
    with stored(file, "is not JSON", _REPAIR):
        if not data:
            raise ValueError("it is empty")
        content = strict_json.loads(data.decode("utf-8"))
    if not isinstance(content, dict):
        raise DamagedFileError(file, f"is not a record: it holds a {type(content).__name__}", _REPAIR)
    return content


def _unsealed(content: dict[str, Any], file: Path) -> dict[str, Any]:
    """Records of earlier versions have no seal, and are read."""
    try:
        return unsealed(content) if is_sealed(content) else content
    except ValueError as error:  # a broken seal, or content that cannot be one's
        raise DamagedFileError(file, str(error), _REPAIR) from None


def _check_schema(content: dict[str, Any], file: Path) -> None:
    version = content.get("schema_version")
    if not isinstance(version, int) or isinstance(version, bool):
        raise DamagedFileError(file, "is not a record: it has no schema_version", _REPAIR)
    if version > SCHEMA_VERSION:
        raise VtbenchError(
            f"{file} has schema {version}; this vtbench reads up to {SCHEMA_VERSION}",
            "upgrade vtbench: a newer one wrote it",
        )
