"""``compare`` takes models by name, of a folder of runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MODELS = ("jpeg,quality=5", "jpeg,quality=60", "identity")


@pytest.fixture
def compared(place: Path, vt: Callable[..., Any], images: Callable[..., Any]) -> Callable[..., Any]:
    images("d", 4)
    given = [word for model in MODELS for word in ("-t", model)]
    done = vt("run", "--task", "quick.yaml", "--data", "d", *given)
    assert done.code == 0, done.err
    return lambda *words: vt("compare", *words)


def pairs(done: Any) -> list[tuple[str, str]]:
    return list(dict.fromkeys((row["baseline"], row["candidate"]) for row in done.rows))


@pytest.mark.parametrize(
    "words",
    [
        ("runs", "jpeg,quality=5", "jpeg,quality=60"),
        ("jpeg,quality=5", "jpeg,quality=60", "runs"),
        ("runs#jpeg,quality=5", "runs/quick#jpeg,quality=60"),
        ("runs", "runs#jpeg,quality=5", "JPEG,quality=60"),
    ],
)
def test_two_models_of_one_folder(compared: Callable[..., Any], words: tuple[str, ...]) -> None:
    done = compared(*words, "--json")
    assert done.code == 0 and pairs(done) == [("jpeg,quality=5", "jpeg,quality=60")], done.err
    assert next(row["verdict"] for row in done.rows if row["metric"] == "psnr") == "better"


def test_a_single_name_is_the_baseline_of_all_others(compared: Callable[..., Any]) -> None:
    done = compared("runs", "jpeg,quality=60", "--json")
    assert pairs(done) == [("jpeg,quality=60", "identity"), ("jpeg,quality=60", "jpeg,quality=5")]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("runs", "jpeg,quality=50", "identity"), "did you mean jpeg,quality=5"),
        (("runs#jpg", "runs#identity"), "runs has no model 'jpg'"),
        (("jpeg,quality=5", "identity"), "give their folder first: RUNS NAME NAME"),
        (("runs",), "needs a baseline"),
        (("runs", "nowhere/runs"), "there is no nowhere/runs, and runs has no model 'nowhere/runs'"),
    ],
)
def test_what_is_not_there_is_told_in_two_lines(
    compared: Callable[..., Any], words: tuple[str, ...], told: str
) -> None:
    done = compared(*words)
    assert done.code == 2 and told in done.err and done.out == "" and len(done.err.splitlines()) <= 2


def test_a_mark_in_a_folders_name_belongs_to_it(compared: Callable[..., Any], place: Path) -> None:
    (place / "runs").rename(place / "runs #2")
    done = compared("runs #2", "jpeg,quality=5", "identity", "--json")
    assert pairs(done) == [("jpeg,quality=5", "identity")]
    done = compared("runs #2#jpeg,quality=5", "runs #2#identity", "--json")
    assert pairs(done) == [("jpeg,quality=5", "identity")]
