"""Whether a leaderboard folder is what its records say, and every published row is whole."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from pathlib import Path

from vtbench.core.errors import UsageError, VtbenchError
from vtbench.core.outside.parsing import read_bytes, reason
from vtbench.results.leaderboards.columns import FAMILIES, columns_of
from vtbench.results.leaderboards.folder import PUBLISHED, RECORDS, build_tables, told
from vtbench.results.leaderboards.published import published_problems
from vtbench.results.leaderboards.rows import Key, key_of, read_row
from vtbench.results.records.record import read_record

_REBUILD = "run vtbench leaderboard build"


def check(root: Path, known: Collection[str] | None = None) -> list[str]:
    """What is wrong with the folder, a line each; empty where nothing is.

    The CSVs are made again in memory and compared byte by byte, every record is read whole, every published row too.

    Args:
        root: the leaderboard folder.
        known: names of metrics that published rows may have; not looked at unless given.

    Raises:
        UsageError: there is no such folder, or two records with different results under one key.
    """
    if not root.is_dir():
        raise UsageError(f"no leaderboards at {root}", "give --root DIR")
    rows, problems = [], []
    for file in sorted((root / RECORDS).rglob("*.json")):
        try:
            read_record(file)
            rows.append(read_row(file))
        except VtbenchError as error:
            problems.append(f"{error.what}: add it again from its run")
    tables = build_tables(rows)
    problems += [
        f"{path}: no family of leaderboards is called {path.stem}; known: {', '.join(FAMILIES)}"
        for path in sorted(root.glob("*.csv"))
        if path.stem not in FAMILIES
    ]
    for family in FAMILIES:
        problems += _compare(root / f"{family}.csv", tables.get(family, ""), columns_of(family))
    return problems + published_problems(root / PUBLISHED, known)


def _compare(path: Path, wanted: str, columns: list[str]) -> list[str]:
    try:
        found = read_bytes(path) if path.is_file() else b""
        header, *lines = list(csv.reader(io.StringIO(found.decode("utf-8", errors="replace"), newline=""))) or [[]]
    except (OSError, ValueError, csv.Error) as error:
        return [f"{path}: {reason(error)}: {_REBUILD}"]
    if found == wanted.encode("utf-8"):
        return []
    if found and header != columns:
        return [f"{path}:1: other columns than the family has: {_REBUILD}"]
    expected = {key_of(row, path.stem): row for row in csv.DictReader(io.StringIO(wanted, newline=""))}
    seen: set[Key] = set()
    problems = []
    for number, line in enumerate(lines, start=2):
        row = dict(zip(columns, line, strict=False))
        problem = _row_problem(row, path.stem, len(line) == len(columns), expected, seen)
        if problem:
            problems.append(f"{path}:{number}: {problem}")
    problems += [f"{path}: {told(key)} is missing: {_REBUILD}" for key in expected if key not in seen]
    return problems or [f"{path}: other bytes than the records give (order, line ends or quotes): {_REBUILD}"]


def _row_problem(
    row: dict[str, str], family: str, is_whole: bool, expected: dict[Key, dict[str, str]], seen: set[Key]
) -> str:
    if not is_whole:
        return "a row with too few or too many cells"
    key = key_of(row, family)
    if key not in expected:
        return f"{told(key)} has no record"
    if key in seen:
        return f"{told(key)} is there twice"
    seen.add(key)
    wrong = [name for name, value in expected[key].items() if row[name] != value]
    if not wrong:
        return ""
    first, more = wrong[0], f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return f"{told(key)}: {first} is {row[first]!r}, its record says {expected[key][first]!r}{more}"
