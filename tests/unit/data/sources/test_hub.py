from __future__ import annotations

import pickle
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vtbench.core.errors import AssetMissingError, SampleError, UsageError
from vtbench.data.sources.hub import HubDataset

datasets = pytest.importorskip("datasets")


@pytest.fixture(autouse=True)
def _cache_in_tmp(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path_factory.mktemp("hf")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True, raising=False)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


@pytest.fixture
def table(photo: np.ndarray) -> datasets.Dataset:
    images = [Image.fromarray(np.roll(photo, shift, axis=0)) for shift in range(4)]
    images[3] = images[3].rotate(90, expand=True)
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.ClassLabel(names=["cat", "dog"]),
            "name": datasets.Value("string"),
            "n": datasets.Value("int64"),
        }
    )
    rows = {"image": images, "label": [0, 1, 1, 0], "name": ["a", "b", "c", "d"], "n": [7, 8, 9, 10]}
    return datasets.Dataset.from_dict(rows, features=features)


@pytest.fixture
def parquet_folder(table: datasets.Dataset, tmp_path: Path) -> Path:
    folder = tmp_path / "hub"
    (folder / "data").mkdir(parents=True)
    table.to_parquet(str(folder / "data/test-00000-of-00001.parquet"))
    return folder


def test_a_text_column_becomes_the_truth(parquet_folder: Path) -> None:
    dataset = HubDataset(str(parquet_folder), label_column="label", text_column="name", language="en")
    assert dataset.target(1) == {"label": 1, "class": "dog", "text": "b", "language": "en"}
    plain = HubDataset(str(parquet_folder), text_column="name")
    assert plain.target(0) == {"text": "a"}
    assert plain.fingerprint != HubDataset(str(parquet_folder)).fingerprint, "the truth is part of the data"
    with pytest.raises(UsageError, match="no column 'text'"):
        HubDataset(str(parquet_folder), text_column="text")


def test_a_local_folder_of_parquet(parquet_folder: Path, photo: np.ndarray) -> None:
    dataset = HubDataset(str(parquet_folder))
    assert dataset.ids == ("00000000", "00000001", "00000002", "00000003")
    for index in (2, 0):
        assert np.array_equal(dataset[index].image.permute(1, 2, 0).numpy(), np.roll(photo, index, axis=0))
    assert dataset[3].image.shape == (3, 90, 60)
    assert dataset[0].target is None


def test_saved_to_disk_and_single_file_give_the_same_samples(
    table: datasets.Dataset, parquet_folder: Path, tmp_path: Path
) -> None:
    datasets.DatasetDict({"test": table}).save_to_disk(str(tmp_path / "saved"))
    one = HubDataset(str(parquet_folder))
    for path in (tmp_path / "saved", parquet_folder / "data/test-00000-of-00001.parquet"):
        other = HubDataset(str(path))
        assert other.ids == one.ids
        assert other.fingerprint == one.fingerprint
        assert other[1].image.equal(one[1].image)


def test_labels_and_ids_from_columns(parquet_folder: Path) -> None:
    dataset = HubDataset(str(parquet_folder), label_column="label", id_column="name")
    assert dataset.ids == ("a", "b", "c", "d")
    assert dataset[1].target == {"label": 1, "class": "dog"}
    numbers = HubDataset(str(parquet_folder), label_column="n", id_column="n")
    assert numbers.ids == ("7", "8", "9", "10")
    assert numbers[3].target == {"label": 10}
    assert numbers.fingerprint != dataset.fingerprint


def test_an_image_folder_is_decoded_by_our_rules(tmp_path: Path, photo: np.ndarray) -> None:
    folder = tmp_path / "pictures/test"
    folder.mkdir(parents=True)
    clear = np.dstack([photo, np.zeros(photo.shape[:2], np.uint8)])
    Image.fromarray(clear).save(folder / "a.png")
    dataset = HubDataset(str(tmp_path / "pictures"))
    assert (dataset[0].image == 255).all()  # over white


def test_a_broken_row_fails_alone(tmp_path: Path, table: datasets.Dataset) -> None:
    rows = [row["bytes"] for row in table.cast_column("image", datasets.Image(decode=False))["image"]]
    rows[1] = rows[1][:80]
    broken = datasets.Dataset.from_dict({"image": rows})  # a plain binary column
    broken.to_parquet(str(tmp_path / "x.parquet"))
    dataset = HubDataset(str(tmp_path / "x.parquet"))
    assert dataset[0].image.shape == (3, 60, 90)
    with pytest.raises(SampleError, match=r"^00000001: "):
        dataset[1]


def test_fingerprint_follows_content_not_place(parquet_folder: Path, tmp_path: Path, table: datasets.Dataset) -> None:
    first = HubDataset(str(parquet_folder)).fingerprint
    shutil.copytree(parquet_folder, tmp_path / "copy")
    assert HubDataset(str(tmp_path / "copy")).fingerprint == first
    table.select([0, 1, 3, 2]).to_parquet(str(tmp_path / "copy/data/test-00000-of-00001.parquet"))
    assert HubDataset(str(tmp_path / "copy")).fingerprint != first


def test_pickle_round_trip(parquet_folder: Path) -> None:
    dataset = HubDataset(str(parquet_folder), label_column="label")
    again = pickle.loads(pickle.dumps(dataset))
    assert again[2].image.equal(dataset[2].image)
    assert again[2].target == dataset[2].target


def test_unknown_columns_splits_and_paths_are_told(parquet_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no column 'imag'[\s\S]*did you mean image\?"):
        HubDataset(str(parquet_folder), image_column="imag")
    with pytest.raises(UsageError, match="split=train"):
        HubDataset(str(parquet_folder), split="train")
    with pytest.raises((UsageError, AssetMissingError), match="nobody/nothing"):
        HubDataset("nobody/nothing")


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(AssetMissingError, match=r"pip install .*datasets"):
        HubDataset("someone/something")
