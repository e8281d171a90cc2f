"""A folder of splits of classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from vtbench.data.open import open_data
from vtbench.data.sources.folder import ImageFolder
from vtbench.data.sources.split_folder import SplitFolder


def filled(root: Path, names: list[str]) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(root / name)
    return root


def test_the_second_folder_is_the_class_and_has_one_number_in_all_splits(tmp_path: Path) -> None:
    root = filled(tmp_path / "set", ["train/cat/a.png", "train/ant/b.png", "val/cat/c.png", "val/loose.png", "on.png"])
    data = SplitFolder(str(root))
    assert dict(zip(data.ids, map(data.target, range(len(data))), strict=True)) == {
        "on.png": None,
        "train/ant/b.png": {"split": "train", "label": 0, "class": "ant"},
        "train/cat/a.png": {"split": "train", "label": 1, "class": "cat"},
        "val/cat/c.png": {"split": "val", "label": 1, "class": "cat"},
        "val/loose.png": None,
    }
    assert data[1].target == data.target(1) and data.positional_classes == 2
    assert open_data(f"split-folder,path={root}").fingerprint == data.fingerprint != ImageFolder(root).fingerprint


def test_numbered_classes_are_their_numbers(tmp_path: Path) -> None:
    data = SplitFolder(str(filled(tmp_path / "set", ["train/7/a.png", "val/3/b.png"])))
    assert [data.target(place) for place in (0, 1)] == [
        {"split": "train", "label": 7, "class": "7"},
        {"split": "val", "label": 3, "class": "3"},
    ]
