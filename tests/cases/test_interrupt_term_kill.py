"""Ctrl-C, SIGTERM and a kill in the middle, then the same command again; a program that was started ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SLOW = """
import os, time
from vtbench.core.info import TokenizerInfo

class T:
    info = TokenizerInfo(name="t", kind="continuous")

    def reconstruct(self, images):
        if os.environ.get("SLOW"):
            try:
                open("called", "a").write(".")
                time.sleep(60 if os.path.getsize("called") > 1 else 0)
            except BaseException:  # a model may swallow what it does not know
                pass
        return images * 0.5
"""
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}


def _interrupted(place: Path, model: str, begun: Path, number: signal.Signals, *more: str) -> tuple[int, str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "vtbench", "run", "--task", "quick.yaml", "--data", "d", "-t", model, *more],
        cwd=place,
        env={**os.environ, "SLOW": "1", "VTBENCH_CACHE": str(place / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 90
    while not (begun.exists() and begun.stat().st_size > 1) and time.monotonic() < until and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert out == ""
    return process.returncode, err


@pytest.mark.parametrize("number", list(CODES), ids=lambda number: number.name)
def test_what_is_done_stays_and_the_same_command_goes_on(
    vt: Callable[..., Any], place: Path, images: Callable[..., Any], number: signal.Signals
) -> None:
    images("d", 12)
    (place / "slow.py").write_text(SLOW)
    code, err = _interrupted(place, "./slow.py:T", place / "called", number, "--workers", "1")
    assert code == CODES[number]
    if number != signal.SIGKILL:
        assert err.endswith(f"interrupted by {number.name}: give the same command again to go on where it stopped\n")
        assert not list(place.rglob("*.partial"))
    (first,) = (place / "runs").rglob("00000.parquet")
    before = first.stat().st_mtime_ns
    given = ("run", "--task", "quick.yaml", "--data", "d", "-t", "./slow.py:T", "--workers", "0", "--json")
    again, whole = vt(*given), vt(*given, "--out", "whole")
    assert again.code == 0
    assert again.rows[0]["results"] == whole.rows[0]["results"]
    assert first.stat().st_mtime_ns == before


PROGRAM = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
open("pids", "w").write(f"{os.getpid()} {child.pid}")
time.sleep(120)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_program_and_its_children_end_with_it(
    place: Path, images: Callable[..., Any], number: signal.Signals
) -> None:
    images("d", 4)
    (place / "prog.py").write_text(PROGRAM)
    model = f'command,run="{sys.executable} prog.py"'
    code, err = _interrupted(place, model, place / "pids", number, "--workers", "0")
    assert code == CODES[number], err
    for pid in map(int, (place / "pids").read_text().split()):
        assert _ends(pid)


def _ends(pid: int) -> bool:
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":  # dead, and not yet waited for by its parent
            return True
        time.sleep(0.05)
    return False
