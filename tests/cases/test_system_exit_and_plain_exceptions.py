"""A model whose code ends the process, reads its options or raises: it is named in two lines, and the others are
measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MODEL = """
import sys
from vtbench.core.info import TokenizerInfo

class Mute(Exception):
    def __str__(self): raise ValueError

class Ending(BaseException): pass

class T:
    def __init__(self, how):
        self.how = how
        if how == "argparse":
            import argparse
            argparse.ArgumentParser().parse_args()
        if how == "argparse-required":
            import argparse
            parser = argparse.ArgumentParser()
            parser.add_argument("--weights", required=True)
            parser.parse_args()
        if how == "ctor": raise FileNotFoundError("weights/model.pt")
        if how == "mute": raise Mute
        if how == "deep": self.__init__(how)
        if how == "ending": raise Ending("over")
        if how == "exit-init": sys.exit("no GPU found")
        if how == "no-info": return
        self.info = TokenizerInfo(name="t", kind="continuous")

    def reconstruct(self, images):
        if self.how == "exit-run": sys.exit(3)
        if self.how == "exit0-run": sys.exit(0)
        if self.how == "ending-run": raise Ending("over")
        if self.how == "mute-run": raise Mute
        return images
"""
IN_THE_CONSTRUCTOR = {
    "argparse-required": "called sys.exit(2)",
    "ctor": "FileNotFoundError: weights/model.pt",
    "mute": "Mute: (its message cannot be shown",
    "deep": "RecursionError",
    "ending": "raised Ending: over",
    "exit-init": "called sys.exit('no GPU found')",
    "no-info": "has no info",
}
IN_A_CALL = {
    "exit-run": "called sys.exit(3)",
    "exit0-run": "called sys.exit(0)",
    "ending-run": "raised Ending: over",
    "mute-run": "Mute: (its message cannot be shown",
}


@pytest.fixture
def run(place: Path, vt: Callable[..., Any], images: Callable[..., Any]) -> Callable[..., Any]:
    images("d", 4)
    (place / "mine.py").write_text(MODEL)
    return lambda how, *more: vt(
        "run", "--task", "quick.yaml", "--data", "d", "-t", f"./mine.py:T,how={how}", *more, "--workers", "0", "--json"
    )


@pytest.mark.parametrize("how", [*IN_THE_CONSTRUCTOR, *IN_A_CALL])
def test_the_model_at_fault_is_named_and_the_others_run(run: Callable[..., Any], how: str) -> None:
    done = run(how, "-t", "jpeg,quality=50")
    assert done.code == 1
    assert [row["model"] for row in done.rows] == ["jpeg,quality=50"]
    assert "Traceback" not in done.err
    start = done.err.index(f"failed: ./mine.py:T,how={how}")
    assert (IN_THE_CONSTRUCTOR | IN_A_CALL)[how] in done.err[start:]
    assert len(done.err[start:].splitlines()) <= 2


def test_where_in_the_users_file(run: Callable[..., Any]) -> None:
    assert 'at mine.py:21 (if how == "ctor"' in run("ctor").err
    assert "at mine.py:30 (if self.how == " in run("exit-run").err


def test_options_of_the_command_are_not_a_models(run: Callable[..., Any]) -> None:
    done = run("argparse")
    assert (done.code, len(done.rows)) == (0, 1)


def test_a_broken_model_alone(run: Callable[..., Any]) -> None:
    done = run("ctor")
    assert (done.code, done.out) == (1, "")


def test_a_wrong_name_still_stops_everything_before_any_work(run: Callable[..., Any], place: Path) -> None:
    done = run("ctor", "-t", "jpegg", "--out", "r")
    assert (done.code, done.out) == (2, "")
    assert not list(place.rglob("plan.json"))


def test_a_file_that_fails_to_import(run: Callable[..., Any], place: Path) -> None:
    (place / "cut.py").write_text("class Own:\n    def __init__(self:\n")
    done = run("argparse", "-t", "./cut.py:Own")
    assert (done.code, len(done.rows)) == (1, 1)
    assert "SyntaxError" in done.err
    assert "at cut.py:2" in done.err


def test_doctor_names_it_too(run: Callable[..., Any], vt: Callable[..., Any]) -> None:
    run("argparse")
    for how in ("ctor", "exit-init"):
        done = vt("doctor", f"./mine.py:T,how={how}")
        assert (done.code, done.out) == (1, "")
        assert IN_THE_CONSTRUCTOR[how] in done.err
    done = vt("doctor", "./mine.py:T,how=exit0-run")
    assert done.code == 1
    assert "round_trip\tFAIL" in done.out
