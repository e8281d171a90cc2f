"""Files that are left out because of their suffix are counted and named, once, and stand in the record."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vtbench


@pytest.fixture
def mixed(images: Callable[..., Any], place: Path) -> Path:
    images("d", 3)
    for name in ("photo.heic", "noextension", "x.jxl", "upper.PNG", ".hidden.png"):
        shutil.copy(place / "d/00.png", place / "d" / name)
    (place / "d/.cache").mkdir()
    shutil.copy(place / "d/00.png", place / "d/.cache/a.png")
    (place / "d/README.md").write_text("readme")
    (place / "d/labels.json").write_text("{}")
    return place / "d"


NOTE = (
    "3 files in d are of no kind that is read, and left out (without suffix: 1, .heic: 1, .jxl: 1): "
    "noextension, photo.heic, x.jxl"
)


def test_data(vt: Callable[..., Any], mixed: Path) -> None:
    arguments = ("run", "--task", "quick.yaml", "--data", "d", "-t", "identity", "-t", "resize,factor=2", "--json")
    done = vt(*arguments)
    assert done.code == 0 and [row["n"] for row in done.rows] == [4, 4]
    assert all(NOTE in row["warnings"] for row in done.rows)
    assert done.err.count(NOTE) == 1 and "README" not in done.err and "hidden" not in done.err
    again = vt(*arguments)  # nothing is measured again, and it is still told
    assert again.err.count(NOTE) == 1


def test_predictions(vt: Callable[..., Any], mixed: Path, images: Callable[..., Any]) -> None:
    images("data", 3)
    done = vt("score", "--task", "quick.yaml", "--data", "data", "--pred", "d", "--json")
    assert done.code == 0 and NOTE in done.rows[0]["warnings"] and done.err.count(NOTE) == 1


def test_samples_and_references(place: Path, mixed: Path) -> None:
    from vtbench.generators.elsewhere.premade import FolderSamples

    assert FolderSamples("d").images.notes == (NOTE,)  # type: ignore[attr-defined]


def test_samples_of_a_generator(vt: Callable[..., Any], mixed: Path, images: Callable[..., Any]) -> None:
    images("ref", 4)
    (mixed.parent / "given.yaml").write_text(
        "{name: given, version: 1, kind: generation, summary: x, conditions: {of: given}, reference: {},"
        " preprocess: {preset: native@1}, set_metrics: [fd_efflite0], block_size: 8}"
    )
    done = vt("run", "--task", "given.yaml", "-g", "folder,path=d", "--reference", "ref", "--json")
    assert done.code == 0 and NOTE in done.rows[0]["warnings"] and done.err.count(NOTE) == 1
    swapped = vt("run", "--task", "given.yaml", "-g", "folder,path=ref", "--reference", "d", "--json")
    assert f"reference: {NOTE}" in swapped.rows[0]["warnings"] and swapped.err.count(NOTE) == 1


def test_a_limit_does_not_hide_it(vt: Callable[..., Any], mixed: Path) -> None:
    done = vt("run", "--task", "quick.yaml", "--data", "d", "-t", "identity", "--limit", "2", "--json")
    assert done.code == 0 and NOTE in done.rows[0]["warnings"]


def test_originals_of_another_format_are_told(vt: Callable[..., Any], images: Callable[..., Any], place: Path) -> None:
    for folder in ("original_images", "reconstructed_images"):
        images(f"out/{folder}", 2)
    shutil.copy(place / "out/original_images/00.png", place / "out/original_images/02.webp")
    done = vt("score", "--task", "quick.yaml", "--pred", "out", "--json", "--out", "r")
    assert done.code == 0 and done.rows[0]["n"] == 2
    assert any("1 files in original_images are not PNG" in told for told in vtbench.load_records("r")[0].warnings)
