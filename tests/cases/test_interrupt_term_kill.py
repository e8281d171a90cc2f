"""Ctrl-C, a scheduler's notice and a kill in the middle, then the same command again; programs that run end with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
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
                time.sleep(float(os.environ["SLOW"]) if os.path.getsize("called") > 1 else 0)
            except BaseException:  # a model may swallow what it does not know
                pass
        return images * 0.5
"""
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGUSR1: 138, signal.SIGKILL: -9}
NOTICES = (signal.SIGTERM, signal.SIGUSR1)


def _interrupted(
    place: Path, model: str, begun: Path, numbers: Sequence[signal.Signals], *more: str, slow: int = 60, blocks: int = 0
) -> tuple[int, str]:
    """Signals once the model is at work and so many blocks are written, which they are while it is."""

    def at_work() -> bool:
        return begun.exists() and begun.stat().st_size > 1 and len(list(place.rglob("blocks/*.parquet"))) >= blocks

    process = subprocess.Popen(
        [sys.executable, "-m", "vtbench", "run", "--task", "quick.yaml", "--data", "d", "-t", model, *more],
        cwd=place,
        env={**os.environ, "SLOW": str(slow), "VTBENCH_CACHE": str(place / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 90
    while not at_work() and time.monotonic() < until and process.poll() is None:
        time.sleep(0.05)
    for number in numbers:
        process.send_signal(number)
        time.sleep(0.5)
    out, err = process.communicate(timeout=60)
    assert out == ""
    return process.returncode, err


@pytest.mark.parametrize("number", list(CODES), ids=lambda number: number.name)
def test_what_is_done_stays_and_the_same_command_goes_on(
    vt: Callable[..., Any], place: Path, images: Callable[..., Any], number: signal.Signals
) -> None:
    images("d", 12)
    (place / "slow.py").write_text(SLOW)
    slow = 4 if number in NOTICES else 60
    code, err = _interrupted(place, "./slow.py:T", place / "called", [number], "--workers", "1", slow=slow, blocks=1)
    assert code == CODES[number]
    done = sorted((place / "runs").rglob("*.parquet"))
    assert len(done) == (2 if number in NOTICES else 1)  # what was in hand is finished after a notice
    if number != signal.SIGKILL:
        assert err.endswith(f"interrupted by {number.name}: give the same command again to go on where it stopped\n")
        assert not list(place.rglob("*.partial"))
    before = [path.stat().st_mtime_ns for path in done]
    given = ("run", "--task", "quick.yaml", "--data", "d", "-t", "./slow.py:T", "--workers", "0", "--json")
    again, whole = vt(*given), vt(*given, "--out", "whole")
    assert again.code == 0
    assert again.rows[0]["results"] == whole.rows[0]["results"]
    assert [path.stat().st_mtime_ns for path in done] == before


def test_a_second_notice_waits_for_nothing(place: Path, images: Callable[..., Any]) -> None:
    images("d", 12)
    (place / "slow.py").write_text(SLOW)
    code, _ = _interrupted(place, "./slow.py:T", place / "called", [signal.SIGTERM] * 2, "--workers", "0", blocks=1)
    assert code == 143 and len(list((place / "runs").rglob("*.parquet"))) == 1


PROGRAM = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
open("pids", "w").write(f"{os.getpid()} {child.pid}")
time.sleep(120)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, *NOTICES], ids=lambda number: number.name)
def test_a_program_and_its_children_end_with_it(
    place: Path, images: Callable[..., Any], number: signal.Signals
) -> None:
    images("d", 4)
    (place / "prog.py").write_text(PROGRAM)
    model = f'command,run="{sys.executable} prog.py"'
    code, err = _interrupted(place, model, place / "pids", [number], "--workers", "0")
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
