"""Rows of a CSV are whole, or refused with their line."""

from __future__ import annotations

import pytest

from vtbench.core.errors import UsageError, VtbenchError
from vtbench.core.outside.csv_rows import csv_rows


def test_rows_come_with_their_lines() -> None:
    header, rows = csv_rows('id,text\na,"1\n2"\n\nb,x\n', "f.csv")
    assert header == ["id", "text"] and list(rows) == [(3, {"id": "a", "text": "1\n2"}), (5, {"id": "b", "text": "x"})]
    assert csv_rows("", "f.csv")[0] == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,a\n", "f.csv:1: a column is given twice"),
        (",".join(map(str, range(20_000))) + "\n" + "x\n" * 1000, "f.csv:1: 20,000 columns"),
        ("a,b\n1\n", "f.csv:2: not as many fields"),
        ('a\n"x', "f.csv:2: unexpected end of data"),
        ("a\n" + "x" * 200_000, "f.csv:2: field larger than field limit"),
    ],
)
def test_what_is_no_table_is_told(text: str, told: str) -> None:
    for kind in (UsageError, VtbenchError):
        with pytest.raises(kind, match=told):
            list(csv_rows(text, "f.csv", kind=kind)[1])
