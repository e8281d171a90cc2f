"""ADM's arrays of images: mapped where they can be, and refused where they are something else."""

from __future__ import annotations

import io
import pickle
import resource
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vtbench.core.errors import UsageError, VtbenchError
from vtbench.data.open import open_data
from vtbench.data.sources.npz import ArrayImages

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 6, 7, 3), dtype=np.uint8)


def saved(folder: Path, compressed: bool = False, **arrays: Any) -> Path:
    path = folder / "samples.npz"
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    return path


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
def test_images_come_back_as_numpy_reads_them(tmp_path: Path, compressed: bool, order: Any) -> None:
    path = saved(tmp_path, compressed, arr_0=np.asarray(PIXELS, order=order), mu=np.zeros(3))
    images = open_data(str(path))
    assert isinstance(images, ArrayImages) and len(images) == 5
    assert list(images.ids) == [f"{index:06d}" for index in range(5)]
    assert isinstance(images._images, np.memmap) is not compressed
    for index, pixels in enumerate(np.load(path)["arr_0"]):
        image = images[index].image
        assert image.dtype == torch.uint8 and torch.equal(image, torch.from_numpy(pixels).permute(2, 0, 1))
        assert images[index].target is None


def test_how_it_is_stored_does_not_move_the_fingerprint(tmp_path: Path) -> None:
    first = ArrayImages(saved(tmp_path, arr_0=PIXELS)).fingerprint
    assert ArrayImages(saved(tmp_path, True, arr_0=PIXELS)).fingerprint == first
    assert ArrayImages(saved(tmp_path, arr_0=np.asfortranarray(PIXELS))).fingerprint == first
    assert ArrayImages(saved(tmp_path, arr_0=255 - PIXELS)).fingerprint != first
    assert ArrayImages(saved(tmp_path, arr_0=PIXELS, arr_1=np.arange(5))).fingerprint != first


@pytest.mark.parametrize("labels", [np.arange(5), np.arange(5, dtype=np.int32)[:, None], np.eye(5, dtype=np.uint8)])
def test_labels(tmp_path: Path, labels: Any) -> None:
    images = ArrayImages(saved(tmp_path, arr_0=PIXELS, arr_1=labels))
    assert images.labels == [0, 1, 2, 3, 4] and images[3].target == {"label": 3}


def test_it_survives_being_sent_to_a_worker(tmp_path: Path) -> None:
    images = ArrayImages(saved(tmp_path, arr_0=PIXELS, arr_1=np.arange(5)))
    sent = pickle.dumps(images)
    assert len(sent) < 2000
    again = pickle.loads(sent)
    assert torch.equal(again[4].image, images[4].image) and again.labels == images.labels


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory that Linux reports")
def test_an_uncompressed_array_is_not_held_in_memory(tmp_path: Path) -> None:
    path = saved(tmp_path, arr_0=np.zeros((64, 512, 512, 3), np.uint8))  # 48 MiB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    images = ArrayImages(path)
    assert images[63].image.shape == (3, 512, 512)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 24 * 1024


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"arr_0": PIXELS.astype(np.float32) / 255}, "float32"),
        ({"arr_0": PIXELS.transpose(0, 3, 1, 2)}, r"\[5, 3, 6, 7\]"),
        ({"arr_0": PIXELS[..., :1]}, r"\[5, 6, 7, 1\]"),
        ({"arr_0": np.zeros((5, 6, 7, 4), np.uint8)}, r"\[5, 6, 7, 4\]"),
        ({"arr_0": PIXELS[0]}, r"\[6, 7, 3\]"),
        ({"arr_0": PIXELS[:0]}, "no images"),
        ({"images": PIXELS}, "holds no arr_0"),
        ({"arr_0": PIXELS, "arr_1": np.arange(4)}, "for 5 images"),
        ({"arr_0": PIXELS, "arr_1": np.linspace(0, 1, 5)}, "float64"),
    ],
)
def test_other_arrays(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ArrayImages(saved(tmp_path, **arrays))


def test_objects_are_refused_unread(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "ran",))

    objects = np.empty(1, dtype=object)
    objects[0] = Trap()
    with pytest.raises(VtbenchError, match="refused"):
        ArrayImages(saved(tmp_path, arr_0=objects))
    assert not (tmp_path / "ran").exists()


def _truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _without_its_middle(data: bytes) -> bytes:
    """Whole at both ends: the directory at the end tells of an array that is not all there."""
    return data[:200] + data[500:]


def _one_array(data: bytes) -> bytes:
    stream = io.BytesIO()
    np.save(stream, PIXELS)
    return stream.getvalue()


@pytest.mark.parametrize("damage", [_truncated, _without_its_middle, lambda data: b"", lambda data: b"no"])
def test_a_damaged_file(tmp_path: Path, damage: Any) -> None:
    path = saved(tmp_path, arr_0=PIXELS)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(VtbenchError, match=r"samples\.npz is truncated or not an npz"):
        ArrayImages(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (_one_array(b""), "is a single array (.npy), not an npz of named arrays"),
        (pickle.dumps({"mu": [0.0]}), "is refused: it holds Python objects"),
        (b"<!DOCTYPE html><html>", "is a web page"),
    ],
)
@pytest.mark.parametrize("name", ["samples.npz", "samples.npy"])
def test_a_file_of_another_kind_is_called_what_it_is(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(VtbenchError) as caught:
        open_data(str(tmp_path / name))
    assert f"{name} {told}" in caught.value.what
    if "array" in told:
        assert caught.value.hint == "save it with names: np.savez('FILE.npz', arr_0=images), images uint8 [N,H,W,3]"


def test_statistics_beside_images_are_told(tmp_path: Path) -> None:
    assert ArrayImages(saved(tmp_path, arr_0=PIXELS)).notes == ()
    (note,) = ArrayImages(saved(tmp_path, arr_0=PIXELS, mu=np.zeros(3), sigma=np.eye(3))).notes
    assert "beside its 5 images" in note
    with pytest.raises(UsageError, match=r"holds no arr_0, but mu, sigma\n[\s\S]*vtbench stats import"):
        ArrayImages(saved(tmp_path, mu=np.zeros(3), sigma=np.eye(3)))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file"):
        ArrayImages(tmp_path / "missing.npz")


def rewritten(path: Path, member: bytes, method: int = zipfile.ZIP_STORED) -> Path:
    """The file with another ``arr_0.npy``."""
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("arr_0.npy", member)
    return path


def npy(shape: tuple[int, ...], values: bytes) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return stream.getvalue() + values


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("shape", [(6, 6, 7, 3), (4, 6, 7, 3), (2**40, 2**40, 2**40, 3), (-1, 6, 7, 3)])
def test_a_header_that_promises_other_bytes_than_there_are_is_refused(
    tmp_path: Path, method: int, shape: tuple[int, ...]
) -> None:
    path = rewritten(tmp_path / "a.npz", npy(shape, PIXELS.tobytes()), method)
    with pytest.raises(
        UsageError, match=r"a\.npz is truncated or not an npz: (the header of arr_0 promises|a shape of)"
    ):
        ArrayImages(path)


def test_an_array_that_unfolds_to_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    side = 10_000
    path = rewritten(tmp_path / "a.npz", npy((1, side, side, 3), bytes(3 * side * side)), zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1 << 20
    with pytest.raises(UsageError, match=r"arr_0 would unfold from [\d,]+ bytes to 300,"):
        ArrayImages(path)
    path = rewritten(path, npy((1, 10, 10, 3), bytes(300)), zipfile.ZIP_LZMA)
    with pytest.raises(UsageError, match="compressed in a way that numpy does not write"):
        ArrayImages(path)
