"""Leaderboards: CSVs that follow from a folder of records, byte for byte."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vtbench.core.disk.files import atomic_path, path_segment, write_text
from vtbench.core.errors import UsageError
from vtbench.core.info import RANDOM_REVISION
from vtbench.core.outgoing import table_cell
from vtbench.core.secrets import secrets_in
from vtbench.results.leaderboards.columns import FAMILIES, columns_of
from vtbench.results.leaderboards.rows import Key, MeasuredRow, read_row
from vtbench.results.records.record import RunRecord, find_records, read_record, readable_records

RECORDS = "records"
PUBLISHED = "published"
_SORTED_BY = ("protocol_id", "data_fingerprint", "model", "revision", "dtype")
_MACHINE_PATH = re.compile(r"(?:(?<![\w.~:/-])/(?:home|root|Users|work|mnt|opt|tmp|var)/|\b[A-Z]:\\\\)[^\s\"',]*")


@dataclass(frozen=True)
class Added:
    """One record and what became of it.

    Attributes:
        path: where it is in the folder.
        is_new: ``False`` where the same results were there before; that record stays.
        warnings: what whoever publishes it should know; a record is evidence and is never edited.
    """

    path: Path
    is_new: bool
    warnings: tuple[str, ...]


def add_records(runs: Iterable[Path], root: Path) -> list[Added]:
    """Copy the records of runs into ``root/records/<task>/<model>-<run>.json``, byte for byte: all of them or none.

    Raises:
        UsageError: a folder without records, a run that ``--limit`` cut short, or other results under the same key,
            there or among the runs.
        VtbenchError: no record can be read; one that cannot is told as a warning.
    """
    known = {row.key: row for row in read_rows(root)}
    planned: list[tuple[Path, Added]] = []
    folders = list(runs)
    for file in [found for run in folders for found in find_records(run)]:
        _refuse_secrets(file)
    for file, record in [found for run in folders for found in readable_records(run)]:
        row = read_row(file)
        _refuse_limited(record, file)
        there = known.setdefault(row.key, row)
        _refuse_second(there, row)
        target = root / RECORDS / path_segment(record.task.name) / _file_name(record)
        is_new = there is row
        planned.append((file, Added(target if is_new else there.file, is_new, tuple(_warnings(record, file)))))
    for source, added in planned:
        if added.is_new:
            with atomic_path(added.path) as temporary:
                shutil.copyfile(source, temporary)
    return [added for _, added in planned]


def read_rows(root: Path) -> list[MeasuredRow]:
    """The row of every record of the folder; where files lie and what they are called does not matter."""
    folder = root / RECORDS
    return [read_row(file) for file in sorted(folder.rglob("*.json"))] if folder.is_dir() else []


def chosen_rows(rows: Iterable[MeasuredRow]) -> list[MeasuredRow]:
    """One row a key: of repeats with equal results the first in time.

    Raises:
        UsageError: two records with different results under one key.
    """
    chosen: dict[Key, MeasuredRow] = {}
    for row in rows:
        there = chosen.setdefault(row.key, row)
        _refuse_second(there, row)
        chosen[row.key] = min(there, row, key=lambda one: one.order)
    return list(chosen.values())


def build_tables(rows: Iterable[MeasuredRow]) -> dict[str, str]:
    """The CSV text of every family that has a record.

    Raises:
        UsageError: two records with different results under one key.
    """
    chosen = chosen_rows(rows)
    families = {family: [row for row in chosen if row.family == family] for family in FAMILIES}
    return {family: _table(family, members) for family, members in families.items() if members}


def build(root: Path) -> dict[str, Path]:
    """Write every family's CSV; one that has no record any more is removed.

    Raises:
        UsageError: no such folder, or two records with different results under one key.
    """
    if not root.is_dir():
        raise UsageError(f"no leaderboards at {root}", "give --root DIR, or begin with vtbench leaderboard add RUN")
    tables = build_tables(read_rows(root))
    for family in FAMILIES:
        path = root / f"{family}.csv"
        if family in tables:
            write_text(path, tables[family])
        else:
            path.unlink(missing_ok=True)
    return {family: root / f"{family}.csv" for family in tables}


def told(key: Key) -> str:
    """A key as messages name it."""
    model, revision, protocol, dtype, device = key
    return f"{model}{f' ({revision})' if revision else ''} on {protocol}, {dtype}{f', {device}' if device else ''}"


def _table(family: str, rows: Sequence[MeasuredRow]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns_of(family), lineterminator="\n")
    writer.writeheader()
    cells = sorted((row.cells for row in rows), key=lambda cells: [cells[name] for name in _SORTED_BY])
    writer.writerows({name: table_cell(text) for name, text in row.items()} for row in cells)
    return stream.getvalue()


def _refuse_second(there: MeasuredRow, row: MeasuredRow) -> None:
    """The same measurement again is welcome, another one under the same key is not."""
    if there is row or there.cells["record_sha256"] == row.cells["record_sha256"]:
        return
    if read_record(there.file).results_digest() != read_record(row.file).results_digest():
        raise UsageError(
            f"two results for {told(row.key)}: {there.file} and {row.file}",
            "keep one of them; another seed, device or data is another claim, not another row",
        )


def _refuse_secrets(file: Path) -> None:
    """Records of this vtbench hold none; one that was edited, or made by an older one, may."""
    try:
        found = list(secrets_in(json.loads(file.read_text(encoding="utf-8"))))
    except (OSError, ValueError, RecursionError):
        return  # it is passed over, or refused, when it is read as a record
    if found:
        raise UsageError(
            f"{file} still holds what looks like a credential, in: {', '.join(found[:3])}",
            "measure again, or let vtbench rescore write the record anew: it masks what it writes",
        )


def _refuse_limited(record: RunRecord, file: Path) -> None:
    if record.data.limited_from is not None:
        raise UsageError(
            f"{file} is limited: {record.data.n_expected} of {record.data.limited_from} samples, for testing only",
            "measure the whole task, without --limit, and add that",
        )


def _file_name(record: RunRecord) -> str:
    return f"{path_segment(record.model.label)}-{record.run_id}.json"


def _warnings(record: RunRecord, file: Path) -> list[str]:
    paths = sorted(set(_MACHINE_PATH.findall(json.dumps(record.model_dump(mode="json"), ensure_ascii=False))))
    found = [f"{file} names paths of one machine: {', '.join(paths)}"] if paths else []
    limit = record.config.given.get("limit")
    if limit is not None:  # an older record does not say whether it cut anything
        found.append(f"{file} was made with --limit {limit}: the whole task is {record.data.n_expected} samples?")
    if record.model.revision.startswith(RANDOM_REVISION):
        found.append(f"{file} is of random weights ({record.model.revision}): its numbers mean nothing")
    if record.status != "complete":
        found.append(f"{file} is {record.status}: {'; '.join(record.warnings) or 'samples failed'}")
    return found
