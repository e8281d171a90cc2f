"""A program's output is read within bounds."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from vtbench.core.foreign import program_output, programs
from vtbench.core.foreign.program_output import read_objects
from vtbench.data.sources.program_images import reported_errors


def test_objects_are_kept_and_talk_is_not() -> None:
    said = read_objects(io.BytesIO(b'hello\n {"id": "a"}\r\n\n{"id": "\xff"}\n{'))
    assert said.objects == ['{"id": "a"}', '{"id": "�"}', "{"] and said.unread == 0


def test_long_lines_and_what_lies_beyond_the_bounds_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program_output, "LONGEST_LINE", 8)
    monkeypatch.setattr(program_output, "MOST_READ", 100)
    monkeypatch.setattr(program_output, "MOST_LINES", 3)
    said = read_objects(io.BytesIO(b"{" + b"x" * 30 + b"\n{a}\n" + b"y" * 90))
    assert said.objects == ["{a}"] and said.unread == 32 + 90
    assert read_objects(io.BytesIO(b"{a}\n" * 5)).unread == 8


def test_damaged_objects_are_talk() -> None:
    lines = ["{" * 100_000, '{"id": ' + "9" * 5000 + "}", '{"id": "a", "error": "gone"}', '{"id": NaN}', '{"a":' * 90]
    assert reported_errors(lines) == {"a": "gone"}


def test_a_program_that_writes_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(programs, "_MOST_WRITTEN", 1 << 20)
    monkeypatch.setattr(programs, "_LOOK_SECONDS", 0.05)
    script = "import time, sys\nsys.stdout.write('x' * (4 << 20)); sys.stdout.flush(); time.sleep(60)"
    outcome = programs.run_program([sys.executable, "-c", script], "", 50)
    assert "wrote more than" in outcome.problem and outcome.said.unread == 4 << 20
