"""Numbers that others reported, with their sources. They never enter a measured table, nor measured ones these."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from vtbench.core.errors import VtbenchError
from vtbench.core.outside.csv_rows import csv_rows
from vtbench.core.outside.parsing import read_text
from vtbench.results.leaderboards.reported_metrics import name_problem

COLUMNS = ("model", "metric", "value", "unit", "stratum", "protocol", "source", "table", "status")
REPORTED = "reported"
_NEEDED = ("model", "metric", "value", "protocol", "source")


@dataclass(frozen=True)
class ReportedRow:
    """One published number.

    Attributes:
        metric: this project's name where the source says enough for it, else one of
            :mod:`.reported_metrics`; ``rfid`` and ``gfid`` say what a FID was taken against.
        protocol: as stated there.
        source: paper or repository.
        table: table or section in it.
        file: stem of the CSV that holds it.
    """

    model: str
    metric: str
    value: float
    unit: str
    stratum: str
    protocol: str
    source: str
    table: str
    file: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """What may occur once."""
        return self.model, self.metric, self.stratum, self.protocol, self.source, self.table


def read_published(folder: Path) -> list[ReportedRow]:
    """Every row of every CSV in ``folder``, in the order of files and lines.

    Raises:
        VtbenchError: naming file and line: other columns, a cell that must not be empty, no number, NaN, another status
            than ``reported``, or a row that was given before.
    """
    rows: list[ReportedRow] = []
    for row in _rows(folder):
        if isinstance(row, VtbenchError):
            raise row
        rows.append(row)
    return rows


def published_problems(folder: Path, known: Collection[str] | None = None) -> list[str]:
    """Everything that is wrong with the folder, a line each.

    Args:
        folder: of CSVs.
        known: names of metrics that rows may have, beside those of others alone; not looked at unless given.
    """
    problems = []
    for row in _rows(folder):
        if isinstance(row, VtbenchError):
            problems.append(str(row))
        elif known is not None and (told := name_problem(row.metric, known)):
            problems.append(f"{folder / row.file}.csv: {row.model}: {told}")
    return list(dict.fromkeys(problems))


def _rows(folder: Path) -> Iterator[ReportedRow | VtbenchError]:
    seen: dict[tuple[str, ...], str] = {}
    for file in sorted(folder.glob("*.csv")) if folder.is_dir() else []:
        try:
            lines = _lines(file)
        except VtbenchError as error:
            yield error
            continue
        for line, cells in lines:
            try:
                row = _row(cells, file, line)
            except VtbenchError as error:
                yield error
                continue
            if row.key in seen:
                told = f"{file}:{line}: {row.metric} of {row.model} was given before, in {seen[row.key]}"
                yield VtbenchError(told)
            seen.setdefault(row.key, f"{file.name}:{line}")
            yield row


def _lines(file: Path) -> list[tuple[int, dict[str, str]]]:
    header, rows = csv_rows(read_text(file), file, kind=VtbenchError, uneven=f"{len(COLUMNS)} cells are expected")
    if tuple(header) != COLUMNS:
        raise VtbenchError(f"{file}:1: columns must be {','.join(COLUMNS)}")
    return list(rows)


def _row(cells: dict[str, str], file: Path, line: int) -> ReportedRow:
    where = f"{file}:{line}"
    empty = [name for name in _NEEDED if not cells[name].strip()]
    if empty:
        raise VtbenchError(f"{where}: {empty[0]} is empty", "a number without its source and protocol is not published")
    if cells["status"] != REPORTED:
        raise VtbenchError(f"{where}: status is {cells['status']!r}; here every row is {REPORTED!r}")
    try:
        value = float(cells["value"])
    except ValueError:
        raise VtbenchError(f"{where}: {cells['value']!r} is no number") from None
    if math.isnan(value):
        raise VtbenchError(f"{where}: the value is NaN")
    kept = {name: cells[name] for name in COLUMNS if name not in ("value", "status")}
    return ReportedRow(value=value, file=file.stem, **kept)
