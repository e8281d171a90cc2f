"""Variables of a launcher: inherited by one process alone, given to two at once, given to one after the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MODELS = ("-t", "jpeg,quality=5", "-t", "identity")
GIVEN = ("run", "--task", "quick.yaml", "--data", "d", *MODELS, "--workers", "0", "--json")


@pytest.fixture
def impatient(place: Path, images: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Path:
    images("d", 12)
    monkeypatch.setenv("VTBENCH_WORKER_WAIT", "0.3")
    return place


def _be(
    monkeypatch: pytest.MonkeyPatch, rank: int, world: int, names: tuple[str, str] = ("RANK", "WORLD_SIZE")
) -> None:
    monkeypatch.setenv(names[0], str(rank))
    monkeypatch.setenv(names[1], str(world))


@pytest.mark.parametrize("names", [("RANK", "WORLD_SIZE"), ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS")])
@pytest.mark.parametrize(("rank", "others"), [(0, "workers 1 and 2 of 3 are"), (1, "workers 0 and 2 of 3 are")])
def test_inherited_variables_are_no_success(
    vt: Callable[..., Any],
    impatient: Path,
    monkeypatch: pytest.MonkeyPatch,
    names: tuple[str, str],
    rank: int,
    others: str,
) -> None:
    _be(monkeypatch, rank, 3, names)
    done = vt(*GIVEN)
    assert (done.code, done.out) == (1, "")
    assert f"worker {rank} of 3, by {names[0]} and {names[1]}: --workers-of none measures everything here" in done.err
    assert f"2 of 3 blocks are not measured, and {others} not at work" in done.err
    alone = vt(*GIVEN, "--workers-of", "none")
    assert alone.code == 0
    assert [row["n"] for row in alone.rows] == [12, 12]


def test_a_lone_worker_whose_share_is_nothing(
    vt: Callable[..., Any], impatient: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _be(monkeypatch, 3, 4)
    assert vt(*GIVEN).code == 1


def test_one_after_the_other_the_last_prints(
    vt: Callable[..., Any], impatient: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for rank in (1, 0):
        _be(monkeypatch, rank, 2)
        last = vt(*GIVEN)
    assert last.code == 0
    assert [row["n"] for row in last.rows] == [12, 12]
    _be(monkeypatch, 1, 2)
    again = vt(*GIVEN)
    assert (again.code, again.out) == (0, "")
    _be(monkeypatch, 0, 2)
    assert vt(*GIVEN).rows == last.rows


def test_a_choice_that_is_none(vt: Callable[..., Any], impatient: Path) -> None:
    assert vt(*GIVEN, "--workers-of", "slurm").code == 2


def _start(place: Path, rank: int, world: int, patience: str, *more: str) -> subprocess.Popen[str]:
    variables = {"SLURM_PROCID": str(rank), "SLURM_STEP_NUM_TASKS": str(world), "VTBENCH_WORKER_WAIT": patience}
    return subprocess.Popen(
        [sys.executable, "-m", "vtbench", *GIVEN, *more],
        cwd=place,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_of_two_at_once_exactly_one_prints(impatient: Path) -> None:
    for _ in range(2):  # everything is measured, then everything is there
        pair = [_start(impatient, rank, 2, "60") for rank in (0, 1)]
        said = [process.communicate(timeout=120) for process in pair]
        assert [process.returncode for process in pair] == [0, 0], said
        assert said[1][0] == ""
        assert [row["n"] for row in json.loads(said[0][0])] == [12, 12]


def test_a_rank_is_given_once(vt: Callable[..., Any], impatient: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vtbench.run.executing import peers
    from vtbench.run.worker import Worker

    monkeypatch.setattr(peers, "_TO_JOIN_S", 0.1)
    first = peers.Peers(impatient / "runs", Worker(0, 2))
    first.join()
    _be(monkeypatch, 0, 2)
    done = vt(*GIVEN)
    first.leave()
    assert done.code == 2
    assert "another process is worker 0 of 2" in done.err
