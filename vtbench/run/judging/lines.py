"""Lines and fields of judges' files: read within bounds, and every fault told with its file and line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vtbench.core.errors import UsageError
from vtbench.core.outside.csv_rows import csv_rows
from vtbench.core.outside.parsing import boundary, load_json, read_text

Row = Mapping[str, Any]
MISSING = math.nan


def json_lines(path: Path) -> Iterator[tuple[str, Row]]:
    """Objects of a file with one on each line, with ``FILE:LINE``; empty lines are passed over.

    Raises:
        UsageError: it cannot be read, or a line holds no JSON object.
    """
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            where = f"{path}:{number}"
            content = parsed(line, where)
            if not isinstance(content, dict):
                raise UsageError(f"{where} holds no JSON object", "one object on each line is read")
            yield where, content


def parsed(text: str, where: str) -> Any:
    """JSON, with ``NaN`` and infinities as Python writes them: values that are then counted as none.

    Raises:
        UsageError: anything else.
    """
    with boundary(f"{where} is not JSON", "give the file as the benchmark's script wrote it", UsageError):
        return load_json(text, constants=True)


def table(path: Path) -> tuple[list[str], Iterator[tuple[str, Mapping[str, str]]]]:
    """The header of a CSV, and its rows with ``FILE:LINE``.

    Raises:
        UsageError: it cannot be read, or a row is not whole.
    """
    header, rows = csv_rows(read_text(path), path, "give the file as the benchmark's script wrote it")
    return header, ((f"{path}:{line}", row) for line, row in rows)


def text_of(row: Row, key: str, where: str, of: str) -> str:
    """A text or whole number as text.

    Args:
        row: of a file.
        key: of the field.
        where: the file and line.
        of: whose files have that field.

    Raises:
        UsageError: it is not there, or something else.
    """
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise UsageError(f"{where}: {key} is {_told(row, key)}", f"is it a file of {of}?")
    return str(value)


def number_of(row: Row, key: str, where: str, of: str) -> float:
    """A finite number, or a truth value as 0 or 1; NaN where there is none that can be used: null, NaN, infinite.

    Raises:
        UsageError: there is no such field, or it is a text, a list or the like.
    """
    if key not in row:
        raise UsageError(f"{where}: there is no {key}", f"is it a file of {of}?")
    value = row[key]
    if value is None:
        return MISSING
    if not isinstance(value, (bool, int, float)):
        raise UsageError(f"{where}: {key} is {_told(row, key)}, not a number", f"is it a file of {of}?")
    return finite(value)


def finite(value: float) -> float:
    """A number as a float, NaN where it is not finite."""
    try:
        found = float(value)
    except OverflowError:
        return MISSING
    return found if math.isfinite(found) else MISSING


def decimal(text: str) -> float:
    """A number written out; NaN where there is none, or none that is finite."""
    try:
        return finite(float(text))
    except ValueError:
        return MISSING


def _told(row: Row, key: str) -> str:
    return repr(row[key])[:60] if key in row else "not there"
