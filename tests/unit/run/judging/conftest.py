"""A short way to write a judge's file and to bring it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from vtbench.results.records.record import RunRecord
from vtbench.run.judging.asked import Asked
from vtbench.run.judging.bringing import bring

Bring = Callable[..., RunRecord]
Lines = Callable[..., Path]


@pytest.fixture
def lines(tmp_path: Path) -> Lines:
    """``lines("results.jsonl", rows)``: a file of JSON lines; a text is written as it is."""

    def write(name: str, rows: Iterable[Any]) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        texts = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
        return path

    return write


@pytest.fixture
def brought(tmp_path: Path) -> Bring:
    """``brought("geneval", path, judge="x")``: the record, of a job below ``runs``."""

    def run(form: str, *paths: Path, model: str = "mine", **options: Any) -> RunRecord:
        return bring(Asked(format=form, paths=paths, model=model, out=tmp_path / "runs", **options))

    return run


def values(record: RunRecord) -> dict[tuple[str, str], float]:
    """Values by metric and stratum."""
    return {(result.metric, result.stratum): result.value for result in record.results}
