"""Matching files made elsewhere to samples."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from vtbench.core.errors import SampleError, UsageError
from vtbench.core.pixels import to_uint8
from vtbench.data.pixels import to_pillow
from vtbench.tokenizers.elsewhere.images import PredictionFolder


def folder(root: Path, *names: str) -> PredictionFolder:
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
    return PredictionFolder(root)


def test_stems_match_whatever_the_extension(tmp_path: Path) -> None:
    predictions = folder(tmp_path, "b.png", "a.WEBP", "v1.2.png", "notes.txt", ".hidden.png", "c.jpg")
    matching = predictions.match(["a.jpg", "b", "v1.2", "d"])
    assert matching.found == {"a.jpg": tmp_path / "a.WEBP", "b": tmp_path / "b.png", "v1.2": tmp_path / "v1.2.png"}
    assert list(matching.found) == ["a.jpg", "b", "v1.2"]
    assert matching.missing == ["d"]
    assert matching.extra == [tmp_path / "c.jpg"]


def test_sub_folders_tell_equal_names_apart(tmp_path: Path) -> None:
    predictions = folder(tmp_path, "x/a.png", "y/a.png")
    found = predictions.match(["y/a.jpg", "x/a.jpg"]).found
    assert found == {"y/a.jpg": tmp_path / "y/a.png", "x/a.jpg": tmp_path / "x/a.png"}


def test_a_bare_name_is_enough_where_it_is_unique(tmp_path: Path) -> None:
    above, below = folder(tmp_path / "1", "a.png", "b.png"), folder(tmp_path / "2", "deep/down/a.png")
    assert above.match(["train/a.jpg"]).found == {"train/a.jpg": tmp_path / "1/a.png"}
    assert below.match(["a", "b"]).found == {"a": tmp_path / "2/deep/down/a.png"}


def test_a_file_already_taken_is_not_taken_again(tmp_path: Path) -> None:
    matching = folder(tmp_path, "x/a.png").match(["x/a", "y/a"])
    assert matching.found == {"x/a": tmp_path / "x/a.png"}
    assert matching.missing == ["y/a"]


def test_the_exact_file_name_wins(tmp_path: Path) -> None:
    matching = folder(tmp_path, "a.png", "a.jpg").match(["a.png", "a.jpg"])
    assert matching.found == {name: tmp_path / name for name in ("a.png", "a.jpg")}


@pytest.mark.parametrize(
    ("names", "ids", "told"),
    [
        (["a.png", "a.jpg"], ["a"], "'a' fits several files: a.jpg, a.png"),
        (["x/a.png", "y/a.png"], ["a"], "x/a.png, y/a.png"),
        (["a.png"], ["x/a", "y/a"], "a.png fits several samples: x/a, y/a"),
    ],
)
def test_ambiguity_is_refused(tmp_path: Path, names: list[str], ids: list[str], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        folder(tmp_path, *names).match(ids)
    assert told in str(caught.value)


def test_images_are_read_as_data_sets_read_them(tmp_path: Path, photos: Tensor) -> None:
    original = to_uint8(photos[0])
    to_pillow(original).save(tmp_path / "a.png")
    predictions = PredictionFolder(tmp_path)
    loaded = predictions.load(predictions.match(["a"]).found["a"])
    assert loaded.dtype == torch.uint8 and torch.equal(loaded, original)


def test_an_unreadable_image_is_a_failed_sample(tmp_path: Path) -> None:
    with pytest.raises(SampleError):
        folder(tmp_path, "a.png").load(tmp_path / "a.png")


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        PredictionFolder(tmp_path / "nowhere")
