"""Links are walked alike for data, predictions and samples; loops end, and broken links are told as samples."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Images = Callable[..., Any]


@pytest.fixture
def linked(images: Images, place: Path) -> Path:
    """``store`` and ``pstore`` hold files, ``data`` and ``pred`` links to their class folders, ``flat*`` to files."""
    for name, offset in (("store", 0), ("pstore", 5)):
        for kind in ("cat", "dog"):
            images(f"{name}/{kind}", 3, offset=5)
            if not offset:
                shutil.rmtree(place / name / kind)
                images(f"{name}/{kind}", 3)
    for folder, store in (("data", "store"), ("pred", "pstore")):
        (place / folder).mkdir()
        (place / f"flat-{folder}").mkdir()
        for kind in ("cat", "dog"):
            (place / folder / kind).symlink_to(place / store / kind)
            for file in sorted((place / store / kind).iterdir()):
                (place / f"flat-{folder}" / f"{kind}{file.name}").symlink_to(file)
    return place


def score(vt: Callable[..., Any], data: str, pred: str) -> Any:
    done = vt("score", "--task", "quick.yaml", "--data", data, "--pred", pred, "--out", f"{data}-{pred}", "--json")
    assert done.code == 0, done.err
    return done


@pytest.mark.parametrize("data", ["data", "store"])
@pytest.mark.parametrize("pred", ["pred", "pstore"])
def test_linked_class_folders_are_folders(vt: Callable[..., Any], linked: Path, data: str, pred: str) -> None:
    done = score(vt, data, pred)
    assert done.rows[0]["n"] == done.rows[0]["n_expected"] == 6 and not done.rows[0]["warnings"]


def test_linked_files_are_files_and_broken_links_fail_as_samples(vt: Callable[..., Any], linked: Path) -> None:
    (linked / "flat-data/zz.png").symlink_to("/nowhere/zz.png")
    (linked / "flat-pred/zz.png").symlink_to("/nowhere/zz.png")
    done = score(vt, "flat-data", "flat-pred")
    assert done.rows[0]["n"] == 6 and done.rows[0]["n_failed"] == 1


def test_a_broken_link_among_predictions_is_not_a_missing_name(vt: Callable[..., Any], linked: Path) -> None:
    (linked / "flat-pred/cat00.png").unlink()
    (linked / "flat-pred/cat00.png").symlink_to("/nowhere/cat00.png")
    done = score(vt, "flat-data", "flat-pred")
    assert done.rows[0]["n"] == 5 and "have no image" not in done.err


def test_loops_end(vt: Callable[..., Any], linked: Path) -> None:
    (linked / "store/cat/back").symlink_to(linked / "store")
    (linked / "store/dog/other").symlink_to(linked / "store/cat")
    (linked / "pstore/cat/up").symlink_to(linked)
    done = vt("run", "--task", "quick.yaml", "--data", "store", "-t", "identity", "--out", "r5", "--json")
    assert done.code == 0 and done.rows[0]["n"] == 9  # store/dog/other is store/cat by another name


def test_samples_and_data_list_alike(linked: Path) -> None:
    from vtbench.data.sources.folder import ImageFolder
    from vtbench.generators.elsewhere.premade import FolderSamples
    from vtbench.tokenizers.elsewhere.images import PredictionFolder

    (linked / "loop").symlink_to(linked / "data")
    (linked / "store/cat/back").symlink_to(linked / "data")
    for folder in ("data", "store", "loop", "flat-data"):
        ids = ImageFolder(linked / folder).ids
        assert FolderSamples(str(linked / folder)).images.ids == ids == PredictionFolder(linked / folder).names
