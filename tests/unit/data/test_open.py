from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from vtbench.core.contracts import Sample
from vtbench.core.errors import UsageError
from vtbench.data.embedded.photographs.photos_mini import PhotosMini
from vtbench.data.ids import check_ids, row_ids
from vtbench.data.open import open_data
from vtbench.data.sources.folder import ImageFolder
from vtbench.data.sources.parquet import ParquetShards
from vtbench.data.sources.subset import Subset


@pytest.fixture
def png(photo: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(photo).save(buffer, format="PNG")
    return buffer.getvalue()


def test_each_kind_of_path_opens_its_source(
    tmp_path: Path, image_tree: Path, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(open_data(str(image_tree)), ImageFolder)

    rows = tmp_path / "rows"
    rows.mkdir()
    pq.write_table(pa.table({"image": [png]}), rows / "x.parquet")
    assert isinstance(open_data(str(rows)), ParquetShards)
    assert isinstance(open_data(str(rows / "x.parquet")), ParquetShards)

    pytest.importorskip("webdataset")
    tars = tmp_path / "tars"
    tars.mkdir()
    with tarfile.open(tars / "x.tar", "w") as archive:
        member = tarfile.TarInfo("a.png")
        member.size = len(png)
        archive.addfile(member, io.BytesIO(png))
    for text in (str(tars), str(tars / "x.tar"), str(tars / "*.tar"), str(tars / "{x,x}.tar")):
        assert open_data(text).ids == ("x/a",)


def test_names_and_references(image_tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(open_data("photos-mini")) == 64
    fit = open_data("photos-mini,split=fit")
    assert isinstance(fit, PhotosMini)
    assert fit.split == "fit"
    assert len(open_data(f"folder,path={image_tree},recursive=true")) == 4
    code = tmp_path / "mine.py"
    code.write_text(
        "from vtbench.data.embedded.photographs.photos_mini import PhotosMini\nclass Mine(PhotosMini):\n    pass\n"
    )
    assert len(open_data(f"{code}:Mine,split=eval")) == 64


def test_a_folder_cannot_shadow_a_registered_name(image_tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (image_tree / "cat").rename(image_tree / "photos-mini")
    monkeypatch.chdir(image_tree)
    assert isinstance(open_data("photos-mini"), PhotosMini)
    assert open_data("./photos-mini").ids == ("A.JPEG", "b.png")


def test_paths_with_commas_and_spaces(image_tree: Path, tmp_path: Path) -> None:
    moved = image_tree.rename(tmp_path / "a, b=c")
    assert len(open_data(str(moved))) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("/nowhere/at/all", "does not exist"),
        ("./nowhere", "does not exist"),
        ("photo-mini", "did you mean photos-mini"),
        ("/nowhere/*.tar", "no tar file at"),
    ],
)
def test_what_does_not_exist_is_told(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_data(text)


def test_other_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"")
    with pytest.raises(UsageError, match="neither a folder"):
        open_data(str(tmp_path / "x.png"))


class Listed:
    """A foreign data set: the contract and nothing more."""

    fingerprint = "f" * 64

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids = ids

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        return Sample(id=self.ids[index], image=torch.zeros(3, 8, 8, dtype=torch.uint8))


def test_check_ids_names_duplicates_and_empty_ids() -> None:
    check_ids(Listed(["a", "b"]))
    with pytest.raises(UsageError, match=r"1 sample ids are not unique: 'b' \(3 times\)"):
        check_ids(Listed(["a", "b", "b", "c", "b"]))
    with pytest.raises(UsageError, match="1 sample ids are empty"):
        check_ids(Listed(["a", " "]))
    with pytest.raises(UsageError, match=r"20 sample ids are not unique: .* and 15 more"):
        check_ids(Listed([str(n // 2) for n in range(40)]))


def test_row_ids_are_fixed_width() -> None:
    assert row_ids(2) == ("00000000", "00000001")
    assert row_ids(101)[100] == "00000100"


def test_subset_of_a_foreign_data_set() -> None:
    dataset = Listed(["a", "b", "c"])
    subset = Subset(dataset, 2)
    assert subset.ids == ("a", "b")
    assert len(subset) == 2
    assert subset[1].id == "b"
    assert subset.fingerprint not in (dataset.fingerprint, Subset(dataset, 1).fingerprint)
    assert Subset(dataset, 9).fingerprint == dataset.fingerprint
    with pytest.raises(IndexError):
        subset[2]
    with pytest.raises(UsageError, match="at least 1"):
        Subset(dataset, 0)
