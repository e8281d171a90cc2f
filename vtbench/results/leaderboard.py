"""Leaderboards: CSVs that follow from a folder of records, byte for byte."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vtbench.core.errors import UsageError, VtbenchError
from vtbench.core.files import path_segment, write_text
from vtbench.results.leaderboard_columns import FAMILIES, KEY_COLUMNS, columns_of, family_of, row_of
from vtbench.results.record import RunRecord, find_records, read_record

RECORDS = "records"
PUBLISHED = "published"
Key = tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """A record in the folder, and where it lies."""

    path: Path
    record: RunRecord

    @property
    def key(self) -> Key:
        """What a row is known by: model, revision, protocol id, dtype."""
        record = self.record
        return record.model.label, record.model.revision, record.task.protocol_id, record.model.dtype


def add_records(runs: Iterable[Path], root: Path) -> list[Path]:
    """Copy the records of runs into ``root/records``, byte for byte.

    Returns:
        Where they are now.

    Raises:
        UsageError: a folder without records, or a model that has other results under the same key there.
    """
    known = {entry.key: entry for entry in read_entries(root)}
    written = []
    for source in [file for run in runs for file in find_records(run)]:
        entry = Entry(source, read_record(source))
        _refuse_second(known.get(entry.key), entry)
        known[entry.key] = entry
        target = root / RECORDS / path_segment(entry.record.task.name) / _file_name(entry.record)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.resolve() != target.resolve():
            shutil.copyfile(source, target)
        written.append(target)
    return written


def _file_name(record: RunRecord) -> str:
    return f"{path_segment(record.model.label)}-{record.run_id}.json"


def read_entries(root: Path) -> list[Entry]:
    """Every record of the folder, sorted by key: where files lie and what they are called does not matter."""
    folder = root / RECORDS
    files = sorted(folder.rglob("*.json")) if folder.is_dir() else []
    return sorted((Entry(file, read_record(file)) for file in files), key=lambda entry: entry.key)


def build_tables(entries: Sequence[Entry]) -> dict[str, str]:
    """The CSV text of every family that has a record.

    Raises:
        UsageError: two records under one key.
    """
    seen: dict[Key, Entry] = {}
    for entry in entries:
        _refuse_second(seen.get(entry.key), entry)
        seen[entry.key] = entry
    families = {family: [e.record for e in seen.values() if family_of(e.record) == family] for family in FAMILIES}
    return {family: _table(family, records) for family, records in families.items() if records}


def _refuse_second(there: Entry | None, entry: Entry) -> None:
    """The same measurement again is welcome, another one under the same key is not."""
    if there is not None and there.record.results_digest() != entry.record.results_digest():
        raise UsageError(
            f"two results for {_told(entry.key)}: {there.path} and {entry.path}",
            "keep one of them; another seed, device or data is another claim, not another row",
        )


def _table(family: str, records: Sequence[RunRecord]) -> str:
    columns = columns_of(family)
    rows = sorted((row_of(record, family) for record in records), key=lambda row: [row[name] for name in _ORDER])
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


_ORDER = ("protocol_id", "data_fingerprint", "model", "revision", "dtype")


def build(root: Path) -> dict[str, Path]:
    """Write every family's CSV; one that has no record any more is removed."""
    tables = build_tables(read_entries(root))
    for family in FAMILIES:
        path = root / f"{family}.csv"
        if family in tables:
            write_text(path, tables[family])
        else:
            path.unlink(missing_ok=True)
    return {family: root / f"{family}.csv" for family in tables}


def check(root: Path) -> list[str]:
    """What is wrong with the committed CSVs, a line each; empty where they are what the records say.

    Raises:
        UsageError: there is nothing to check.
    """
    if not root.is_dir():
        raise UsageError(f"no leaderboards at {root}", "give --root")
    tables = build_tables(read_entries(root))
    problems: list[str] = []
    for family in FAMILIES:
        path = root / f"{family}.csv"
        there = path.read_bytes().decode("utf-8") if path.is_file() else ""
        if there != tables.get(family, ""):
            problems += _differences(path, there, tables.get(family, ""))
    return problems


def _differences(path: Path, there: str, wanted: str) -> list[str]:
    found, expected = (_by_key(path, text) for text in (there, wanted))
    problems = [f"{path}: {_told(key)} has no record" for key in found if key not in expected]
    problems += [
        f"{path}: {_told(key)} is missing: run vtbench leaderboard build" for key in expected if key not in found
    ]
    for key, row in expected.items():
        wrong = [name for name, value in row.items() if key in found and found[key].get(name) != value]
        if wrong:
            first = wrong[0]
            problems.append(
                f"{path}: {_told(key)}: {first} is {found[key].get(first)!r}, its record says {row[first]!r}"
            )
    return problems or [f"{path}: other bytes than the records give (order, line ends or columns)"]


def _by_key(path: Path, text: str) -> dict[Key, dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(text)))
    if rows and any(name not in rows[0] for name in KEY_COLUMNS):
        raise VtbenchError(f"{path} is no leaderboard: it lacks the columns {', '.join(KEY_COLUMNS)}")
    return {tuple(row[name] for name in KEY_COLUMNS): row for row in rows}


def _told(key: Key) -> str:
    model, revision, protocol, dtype = key
    return f"{model}{f' ({revision})' if revision else ''} on {protocol}, {dtype}"
