"""Text that looks like a number, a truth value or nothing stays text where text is taken."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
RUN = ("run", "--task", "quick.yaml", "--out", "r")


@pytest.fixture(params=["2024", "1e5", "true", "null", "0x10", "1_000", "12e4567", "007"])
def folder(place: Path, images: Run, request: pytest.FixtureRequest) -> str:
    """A folder of that name which holds perfect copies of ``d``."""
    images("d", 2)
    shutil.copytree(place / "d", place / request.param)
    return str(request.param)


def test_a_folder_of_images(vt: Run, folder: str) -> None:
    done = vt(*RUN, "--data", "d", "-t", f"images,path={folder}", "--json")
    assert done.code == 0, done.err
    assert done.rows[0]["model"] == folder and done.value("mae") == 0
    named = vt(*RUN, "--data", f"folder,path={folder}", "-t", f"images,path=d,name={folder}", "--json")
    assert named.rows[0]["model"] == folder and named.value("mae") == 0


def test_a_folder_of_samples(vt: Run, folder: str) -> None:
    done = vt("doctor", "--as", "generator", f"folder,path={folder},name={folder}")
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("diffusers-kl,path=2024", "2024: no config.json"),
        ("ldm-vq,checkpoint=2024", "2024 holds no weights"),
        ("diffusers-kl,path=owner/name,revision=1234567", "owner/name: not in the local hub cache"),
        ("diffusers-kl,path=owner/name,revision=12e4567", "owner/name: not in the local hub cache"),
        ("diffusers-kl,path=owner/name,revision=null", "owner/name: not in the local hub cache"),
        ("diffusers-kl,path=true", "true"),
        ("jpeg,quality=true", "quality takes a whole number"),
        ("jpeg,quality=5.5", "quality takes a whole number"),
        ("jpeg,quality=high", "jpeg: quality=high"),
        ("webp,lossless=1", "lossless takes true or false"),
    ],
)
def test_what_is_wrong_is_told_in_two_lines(vt: Run, images: Run, place: Path, reference: str, words: str) -> None:
    images("d", 1)
    (place / "2024").mkdir()
    done = vt(*RUN, "--offline", "--data", "d", "-t", reference)
    assert done.code in (2, 4) and words in done.err and len(done.err.splitlines()) == 2, done.err


def test_a_program(vt: Run, images: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images("d", 1)
    monkeypatch.setenv("VTBENCH_CACHE", str(place / "cache"))
    (place / "c.py").write_text(
        "import json, shutil, sys\n"
        "for line in sys.stdin:\n"
        "    asked = json.loads(line); shutil.copy(asked['image'], asked['output'])\n"
    )
    done = vt(*RUN, "--data", "d", "-t", f'command,run="{sys.executable} c.py",name=7', "--json")
    assert done.code == 0, done.err
    assert done.rows[0]["model"] == "7" and done.value("mae") == 0


def test_two_spellings_of_one_value_are_one_job(vt: Run, images: Run, place: Path) -> None:
    images("d", 1)
    for typed in ("50", "'50'", "0x32"):
        done = vt(*RUN, "--data", "d", "-t", f"jpeg,quality={typed},name=mine", "--json")
        assert done.code == 0, done.err
    (record,) = place.glob("r/quick/mine/*/record.json")
    assert '"quality": 50' in record.read_text()


def test_spaces_around_arguments_make_no_second_model(vt: Run, images: Run) -> None:
    images("d", 1)
    done = vt(*RUN, "--data", "d", "-t", "jpeg, quality = 50", "--json")
    assert done.rows[0]["model"] == "jpeg,quality=50", done.err
    twice = vt(*RUN, "--data", "d", "-t", "jpeg,quality=50", "-t", "jpeg, quality=50")
    assert twice.code == 2 and "2 models are called 'jpeg,quality=50'" in twice.err
