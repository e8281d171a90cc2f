"""Killed at a call of the file system or at any moment, or out of room: the same command gives the same numbers.

A run is made of calls that make folders, flush, rename, link and delete. A child is struck before and after each of
them, and at seeded moments between. ``VTBENCH_ATTACK=long`` does each in a folder of its own, and 500 moments.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

NURSERY = Path(__file__).with_name("nursery.py")
LONG = os.environ.get("VTBENCH_ATTACK") == "long"
RENAMES = ["replace", "rename", "link"]
CALLS = [*RENAMES, "mkdir", "unlink", "fsync"]
Answer = dict[str, Any]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are forked, and read /proc")


def asked(place: Path, **plan: Any) -> tuple[Answer, list[Answer]]:
    """The undisturbed run, and what became of the cases of a plan."""
    done = subprocess.run(
        [sys.executable, str(NURSERY), str(place)],
        input=json.dumps({"seed": 0, "names": RENAMES, **plan}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, *others = (json.loads(line) for line in done.stdout.splitlines())
    assert first["last"]["code"] == 0 and len(first["results"]) == 1, first
    return first, others


def assert_as_if_nothing_had_been(first: Answer, case: Answer) -> None:
    told = json.dumps(case.get("strikes"))
    assert case["last"]["code"] == 0, (told, case["last"]["err"])
    assert "Traceback" not in case["last"]["err"], told
    for what in ("results", "rows", "pictures"):
        assert case[what] == first[what], (told, what)
    assert case["litter"] == [], told


def test_killed_at_every_rename(tmp_path: Path) -> None:
    every = {"kill": [False, True] if LONG else [False]}
    assert_killed_and_gone_on(*asked(tmp_path, every=every, names=CALLS if LONG else RENAMES))


@pytest.mark.parametrize("seed", range(4 if LONG else 1))
def test_killed_at_any_moment(tmp_path: Path, seed: int) -> None:
    assert_killed_and_gone_on(*asked(tmp_path, seed=seed, times=125 if LONG else 6))


def assert_killed_and_gone_on(first: Answer, cases: list[Answer]) -> None:
    for case in cases:
        assert all("Traceback" not in struck["err"] for struck in case["struck"])
        assert_as_if_nothing_had_been(first, case)
    killed = sum(case["struck"][0]["code"] in (-signal.SIGKILL, -signal.SIGPROF) for case in cases)
    assert killed >= len(cases) * 0.7, "most are struck before they end; a call that fails returns to nobody"
    print(f"{len(cases)} kills, {killed} of them before the end")


def test_out_of_room_at_every_write(tmp_path: Path) -> None:
    """From one call on nothing can be written any more: told with the path, and finished blocks stay."""
    plan = {"names": CALLS} if LONG else {"names": ["replace"], "step": 2}
    first, cases = asked(tmp_path, every={"full": [False]}, **plan)
    for case in cases:
        (struck,), told = case["struck"], json.dumps(case["strikes"])
        assert "Traceback" not in struck["err"], (told, struck["err"])
        if struck["code"]:
            assert struck["code"] == 1, (told, struck)
            assert " cannot be written: No space left on device" in struck["err"], (told, struck["err"])
            assert "make room on that disk" in struck["err"] and "runs" in struck["err"], (told, struck["err"])
        assert struck["err"].count("VTBENCH_CACHE") <= 1, "a cache without room is told once"
        assert case["blocks"] == sum(told.startswith("replace") and told.endswith(".parquet") and "/blocks/" in told
                                     for told in struck["calls"][: case["strikes"][0]["call"]]), told  # fmt: skip
        assert_as_if_nothing_had_been(first, case)
    print(f"{len(cases)} full disks")
