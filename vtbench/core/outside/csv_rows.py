"""Rows of a CSV from outside, by column: every row whole, every column once, every failure with its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from vtbench.core.errors import UsageError, VtbenchError
from vtbench.core.outside.parsing import reason

MOST_COLUMNS = 10_000


def csv_rows(
    text: str,
    where: Path | str,
    hint: str | None = None,
    kind: type[VtbenchError] = UsageError,
    uneven: str = "not as many fields as the header names",
) -> tuple[list[str], Iterator[tuple[int, dict[str, str]]]]:
    """The header, and ``(line, row)`` one by one; empty lines are passed over.

    Args:
        text: of the file, line ends as they are.
        where: the file, for messages.
        hint: what to do next.
        kind: the class of the errors raised.
        uneven: what is said of a row of another length.

    Raises:
        VtbenchError: (``kind``) open quotes, a field beyond the csv module's limit, a column given twice or too many of
            them; while iterating, a row of another length too.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise kind(f"{where}:{reader.line_num}: {reason(error)}", hint) from error
    if len(header) > MOST_COLUMNS:
        raise kind(f"{where}:1: {len(header):,} columns, at most {MOST_COLUMNS:,} are read", hint)
    if len(set(header)) < len(header):
        raise kind(f"{where}:1: a column is given twice", hint)

    def rows() -> Iterator[tuple[int, dict[str, str]]]:
        try:
            for cells in reader:
                if cells and len(cells) != len(header):
                    raise kind(f"{where}:{reader.line_num}: {uneven}", hint)
                if cells:
                    yield reader.line_num, dict(zip(header, cells, strict=True))
        except csv.Error as error:
            raise kind(f"{where}:{reader.line_num}: {reason(error)}", hint) from error

    return header, rows()
