"""Names and messages of a record cannot act in a terminal, a spreadsheet, a page or a leaderboard."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from vtbench.core.errors import UsageError
from vtbench.results.leaderboards.folder import add_records, build, build_tables, read_rows
from vtbench.results.records.record import RunRecord
from vtbench.results.tables.delimited import results_tsv
from vtbench.results.tables.terminal import results_table

LABEL = '=HYPERLINK("http://x")\x1b[2J\nerror: all is well\u202e'


@pytest.fixture
def hostile(make_record: Callable[..., RunRecord]) -> RunRecord:
    made = make_record("plain")
    record = made.model_copy(update={"task": made.task.model_copy(update={"spec": {"kind": "reconstruction"}})})
    return record.model_copy(update={"model": record.model.model_copy(update={"label": LABEL, "reference": LABEL})})


def test_a_terminal_and_a_pipe_get_one_harmless_line(hostile: RunRecord) -> None:
    stream = io.StringIO()
    Console(file=stream, width=200).print(results_table([hostile]))
    assert "\x1b" not in stream.getvalue() and "\u202e" not in stream.getvalue() and "\\x1b" in stream.getvalue()
    header, row, *rest = results_tsv([hostile]).splitlines()
    assert rest == [] and row.startswith("'=HYPERLINK") and len(row.split("\t")) == len(header.split("\t"))


def test_a_leaderboard_holds_no_formula_and_no_credential(hostile: RunRecord, tmp_path: Path) -> None:
    from vtbench.results.records.record import write_record

    write_record(hostile, tmp_path / "run" / "record.json")
    root = tmp_path / "boards"
    root.mkdir()
    add_records([tmp_path / "run"], root)
    (table,) = (path.read_text(encoding="utf-8") for path in build(root).values())
    assert [row["model"][:11] for row in csv.DictReader(io.StringIO(table))] == ["'=HYPERLINK"]
    assert list(build_tables(read_rows(root)).values()) == [table]

    content: dict[str, Any] = json.loads((tmp_path / "run" / "record.json").read_text(encoding="utf-8"))
    content["data"]["source"] = "webdataset,path=https://alice:pa55word@host/x.tar"
    content["command"] = ["vtbench", "run", "--token", "abcdefgh"]
    (tmp_path / "leak").mkdir()
    (tmp_path / "leak" / "record.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UsageError, match=r"looks like a credential, in: command\.3, data\.source") as told:
        add_records([tmp_path / "leak"], root)
    assert "pa55word" not in str(told.value) and "abcdefgh" not in str(told.value)
