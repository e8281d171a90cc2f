from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vtbench.core.errors import AssetMissingError, UsageError
from vtbench.data.embedded.photographs import photos_mini
from vtbench.data.embedded.photographs.crops import PHOTOGRAPHS, SPLITS
from vtbench.data.embedded.photographs.photos_mini import PhotosMini, photograph_path
from vtbench.data.ids import check_ids
from vtbench.data.sources.subset import Subset


def test_the_splits_have_the_promised_size_and_share_no_photograph() -> None:
    assert len(PhotosMini()) == 64
    assert len(PhotosMini(split="fit")) >= 100
    photographs = {split: {crop.photograph for crop in crops} for split, crops in SPLITS.items()}
    assert len(photographs["eval"]) == 6
    assert len(photographs["fit"]) == 4
    assert not photographs["eval"] & photographs["fit"]
    # The two views of one scene are on one side.
    assert {"motorcycle_left", "motorcycle_right"} <= photographs["fit"]


@pytest.mark.parametrize("split", ["eval", "fit"])
def test_crops_are_256_square_distinct_and_not_flat(split: str) -> None:
    dataset = PhotosMini(split)
    check_ids(dataset)
    images = [dataset[index].image for index in range(len(dataset))]
    assert {tuple(image.shape) for image in images} == {(3, 256, 256)}
    assert all(image.dtype == torch.uint8 for image in images)
    assert min(image.float().std().item() for image in images) > 8.0
    assert len({image.numpy().tobytes() for image in images}) == len(images)


def test_a_crop_is_that_part_of_the_photograph() -> None:
    dataset = PhotosMini()
    index = dataset.ids.index("astronaut/171-85")
    with Image.open(photograph_path("astronaut")) as photograph:
        expected = np.asarray(photograph.crop((171, 85, 427, 341)))
    assert np.array_equal(dataset[index].image.permute(1, 2, 0).numpy(), expected)


def test_a_reduced_crop_is_the_box_mean() -> None:
    dataset = PhotosMini()
    index = dataset.ids.index("astronaut-div2/0-0")
    with Image.open(photograph_path("astronaut")) as photograph:
        boxes = np.asarray(photograph, np.float64).reshape(256, 2, 256, 2, 3).mean(axis=(1, 3))
    assert np.abs(dataset[index].image.permute(1, 2, 0).numpy() - boxes).max() <= 0.5


def test_the_fingerprint_is_frozen_per_split_and_limit() -> None:
    assert PhotosMini().fingerprint == PhotosMini().fingerprint
    assert PhotosMini().fingerprint != PhotosMini("fit").fingerprint
    assert Subset(PhotosMini(), 10).fingerprint == PhotosMini().fingerprint_of(10) != PhotosMini().fingerprint
    assert Subset(PhotosMini(), 1000).fingerprint == PhotosMini().fingerprint


def test_a_caller_cannot_change_the_data() -> None:
    dataset = PhotosMini()
    before = dataset[0].image.clone()
    dataset[0].image.zero_()
    assert dataset[0].image.equal(before)


def test_pickle_carries_no_pixels() -> None:
    dataset = PhotosMini()
    dataset[0]
    data = pickle.dumps(dataset)
    assert len(data) < 20_000
    assert pickle.loads(data)[3].image.equal(dataset[3].image)


def test_an_unknown_split_is_told() -> None:
    with pytest.raises(UsageError, match="eval, fit"):
        PhotosMini("train")


def test_a_changed_or_missing_photograph_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    other = PHOTOGRAPHS["china"]._replace(sha256=PHOTOGRAPHS["flower"].sha256)
    monkeypatch.setitem(photos_mini.PHOTOGRAPHS, "china", other)
    with pytest.raises(AssetMissingError, match=r"china\.jpg is not the photograph expected[\s\S]*scikit-learn"):
        PhotosMini()
    monkeypatch.setitem(photos_mini.PHOTOGRAPHS, "china", other._replace(path="datasets/images/gone.jpg"))
    with pytest.raises(AssetMissingError, match="missing from the installed scikit-learn"):
        PhotosMini()


def test_the_photographs_lie_inside_the_installed_packages() -> None:
    import sklearn

    assert Path(sklearn.__file__).parent in photograph_path("china").parents
