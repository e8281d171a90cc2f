"""A ``#`` in a value is a character like any other: no other folder is scored than the one that was named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def run_2(place: Path, images: Run) -> Path:
    """``run #2`` holds perfect copies of ``d``; ``run`` holds another image under the same names."""
    images("d", 2)
    shutil.copytree(place / "d", place / "run #2")
    shutil.copytree(place / "d", place / "run")
    shutil.copyfile(place / "d/00.png", place / "run/01.png")
    return place / "run #2"


@pytest.mark.parametrize("typed", ["run #2", "'run #2'", '"run #2"', "./run #2"])
def test_images(vt: Run, run_2: Path, typed: str) -> None:
    done = vt("run", "--task", "quick.yaml", "--data", "d", "-t", f"images,path={typed}", "--out", "r", "--json")
    assert done.code == 0, done.err
    assert done.rows[0]["model"] == "run #2"
    assert done.value("mae") == 0


def test_a_name_after_it_is_an_argument_still(vt: Run, run_2: Path) -> None:
    reference = "images,path=run #2,name=mine # yours"
    done = vt("run", "--task", "quick.yaml", "--data", "d", "-t", reference, "--out", "r", "--json")
    assert done.rows[0]["model"] == "mine # yours"
    assert done.value("mae") == 0


def test_data(vt: Run, run_2: Path) -> None:
    found = [
        vt("run", "--task", "quick.yaml", "--data", data, "-t", "resize,factor=2", "--out", out, "--json").value("mae")
        for data, out in (("folder,path=run #2", "a"), ("run #2", "b"), ("run", "c"))
    ]
    assert found[0] == found[1] != found[2]


def test_own_code(vt: Run, run_2: Path, place: Path) -> None:
    (place / "mine.py").write_text(
        "from vtbench.core.info import TokenizerInfo\n"
        "class Mine:\n"
        "    def __init__(self, path, note: str = '', size: int = 1):\n"
        "        assert path == 'run #2' and note == 'a: b #c', (path, note)\n"
        "        self.info = TokenizerInfo(name='mine', kind='continuous')\n"
        "    def reconstruct(self, images):\n"
        "        return images\n"
    )
    base = ["run", "--task", "quick.yaml", "--data", "d", "--out", "r", "--json", "-t"]
    done = vt(*base, "./mine.py:Mine,path=run #2,note=a: b #c")
    assert done.code == 0, done.err
    refused = vt(*base, "./mine.py:Mine,path=run #2,note=a: b #c,size=5 # pixels")
    assert refused.code == 2 and "size=5 # pixels" in refused.err and len(refused.err.splitlines()) == 2
