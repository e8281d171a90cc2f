from __future__ import annotations

import io
import json
import pickle
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vtbench.core.errors import AssetMissingError, SampleError, UsageError
from vtbench.data.ids import check_ids
from vtbench.data.sources.tars import WebDatasetTars

webdataset = pytest.importorskip("webdataset")


def png(photo: np.ndarray, shift: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.roll(photo, shift, axis=1)).save(buffer, format="PNG")
    return buffer.getvalue()


def add(archive: tarfile.TarFile, name: str, data: bytes, kind: bytes = tarfile.REGTYPE, link: str = "") -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    member.size = len(data) if kind == tarfile.REGTYPE else 0
    archive.addfile(member, io.BytesIO(data))


@pytest.fixture
def shards(tmp_path: Path, photo: np.ndarray) -> Path:
    """Two shards written by webdataset itself, keys repeated between them, not in sorted order."""
    for shard in range(2):
        with webdataset.TarWriter(str(tmp_path / f"part-{shard:03d}.tar")) as sink:
            for row in (2, 0, 1):
                sink.write(
                    {
                        "__key__": f"d/{row:04d}",
                        "png": png(photo, 10 * shard + row),
                        "cls": 5 + row,
                        "json": {"row": row},
                    }
                )
    return tmp_path


@pytest.mark.parametrize("pattern", ["part-*.tar", "part-{000..001}.tar"])
def test_samples_written_by_webdataset(shards: Path, photo: np.ndarray, pattern: str) -> None:
    dataset = WebDatasetTars(str(shards / pattern))
    assert dataset.ids == tuple(f"part-00{shard}/d/{row:04d}" for shard in range(2) for row in range(3))
    check_ids(dataset)
    for index in (5, 0, 2):
        sample = dataset[index]
        shard, row = divmod(index, 3)
        assert np.array_equal(sample.image.permute(1, 2, 0).numpy(), np.roll(photo, 10 * shard + row, axis=1))
        assert sample.target == {"label": 5 + row, "json": {"row": row}}


def test_pickle_and_fingerprint(shards: Path, tmp_path: Path) -> None:
    dataset = WebDatasetTars(shards / "part-000.tar")
    again = pickle.loads(pickle.dumps(dataset))
    assert again[1].image.equal(dataset[1].image)
    copy = tmp_path / "copy"
    copy.mkdir()
    data = bytearray((shards / "part-000.tar").read_bytes())
    (copy / "part-000.tar").write_bytes(data)
    assert WebDatasetTars(copy / "part-000.tar").fingerprint == dataset.fingerprint
    position = data.index(json.dumps({"row": 1}).encode())
    data[position + 8 : position + 9] = b"7"  # the truth of one sample
    (copy / "part-000.tar").write_bytes(data)
    assert WebDatasetTars(copy / "part-000.tar").fingerprint != dataset.fingerprint


def test_hostile_names_are_only_ids_and_nothing_is_written(tmp_path: Path, photo: np.ndarray) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    with tarfile.open(folder / "x.tar", "w") as archive:
        add(archive, "../../escape.png", png(photo, 1))
        add(archive, "/etc/absolute.png", png(photo, 2))
        add(archive, "link.png", b"", tarfile.SYMTYPE, "/etc/passwd")
        add(archive, "device.png", b"", tarfile.CHRTYPE)
        add(archive, "._mac.png", png(photo, 3))
    before = sorted(tmp_path.rglob("*"))
    dataset = WebDatasetTars(folder / "x.tar")
    assert dataset.ids == ("x/../../escape", "x//etc/absolute")
    assert dataset[0].image.shape == (3, 60, 90)
    assert sorted(tmp_path.rglob("*")) == before


def test_broken_images_and_truth_fail_alone(tmp_path: Path, photo: np.ndarray) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        add(archive, "a.png", png(photo, 1)[:300])
        add(archive, "b.png", png(photo, 2))
        add(archive, "b.cls", b"not a number")
        add(archive, "c.png", png(photo, 3))
    dataset = WebDatasetTars(tmp_path / "x.tar")
    with pytest.raises(SampleError, match=r"^x/a: "):
        dataset[0]
    with pytest.raises(SampleError, match="x/b"):
        dataset[1]
    assert dataset[2].target is None
    assert len(dataset.fingerprint) == 64


@pytest.mark.parametrize("cut", [700, 10_000, 512 * 3 + 100, -1024])
def test_cut_archives_are_refused_not_shortened(shards: Path, cut: int) -> None:
    file = shards / "part-000.tar"
    data = file.read_bytes().rstrip(b"\0")
    whole = data + bytes(-len(data) % 512)
    file.write_bytes(whole[:cut] if cut > 0 else whole)  # the last: whole members, no end marker
    with pytest.raises(UsageError, match=r"cannot index .*part-000\.tar"):
        WebDatasetTars(file)


def test_a_damaged_header_is_refused_not_taken_for_the_end(shards: Path) -> None:
    file = shards / "part-000.tar"
    with tarfile.open(file) as archive:
        offset = archive.getmembers()[4].offset
    data = bytearray(file.read_bytes())
    data[offset + 150] ^= 0xFF
    file.write_bytes(data)
    with pytest.raises(UsageError, match="cut or damaged"):
        WebDatasetTars(file)


def test_several_images_a_sample_need_a_choice(tmp_path: Path, photo: np.ndarray) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        add(archive, "a.input.png", png(photo, 1))
        add(archive, "a.mask.png", png(photo, 2))
    with pytest.raises(UsageError, match=r"input\.png, mask\.png[\s\S]*image_key="):
        WebDatasetTars(tmp_path / "x.tar")
    chosen = WebDatasetTars(tmp_path / "x.tar", image_key="mask.png")[0]
    assert np.array_equal(chosen.image.permute(1, 2, 0).numpy(), np.roll(photo, 2, axis=1))
    with pytest.raises(UsageError, match=r"no image 'depth\.png'"):
        WebDatasetTars(tmp_path / "x.tar", image_key="depth.png")


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no tar file at"):
        WebDatasetTars(str(tmp_path / "{000..001}.tar"))
    with tarfile.open(tmp_path / "packed.tar", "w:gz") as archive:
        add(archive, "a.png", b"x")
    with pytest.raises(UsageError, match="uncompressed"):
        WebDatasetTars(tmp_path / "packed.tar")
    with tarfile.open(tmp_path / "texts.tar", "w") as archive:
        add(archive, "a.txt", b"x")
    with pytest.raises(UsageError, match="no images in"):
        WebDatasetTars(tmp_path / "texts.tar")


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "braceexpand", None)
    with pytest.raises(AssetMissingError, match=r"pip install .*webdataset"):
        WebDatasetTars(tmp_path / "x.tar")


def test_samples_without_an_image_that_is_read_are_told(shards: Path, photo: np.ndarray) -> None:
    assert WebDatasetTars(str(shards / "*.tar")).notes == ()
    with tarfile.open(shards / "more.tar", "w") as archive:
        add(archive, "a.png", png(photo, 0))
        for name in ("b.heic", "b.cls", "c.cls", "README.md", "notes.txt", ".d.heic"):
            add(archive, name, b"1")
    dataset = WebDatasetTars(str(shards / "more.tar"))
    (note,) = dataset.notes
    assert dataset.ids == ("more/a",)
    assert note.startswith("2 files in more.tar are of no kind that is read") and ".heic: 1" in note
    assert note.endswith("more/b.heic, more/c.cls")
