"""ADM's npz of images: ``arr_0`` uint8 [N,H,W,3], mapped from disk where the file allows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vtbench.core.contracts import Sample
from vtbench.core.digests import digest_arrays
from vtbench.core.disk.files import user_path
from vtbench.core.errors import SampleError, UsageError
from vtbench.core.outside.npz_arrays import map_array, read_array
from vtbench.core.outside.npz_files import array_names, not_an_npz
from vtbench.data.fingerprint import Fingerprinted

IMAGES, LABELS = "arr_0", "arr_1"
STATISTICS = ("mu", "sigma", "mu_s", "sigma_s")


class ArrayImages(Fingerprinted):
    """The images of an npz; an id is the position, as ``000012``.

    An array that is stored without compression, as ``numpy.savez`` does, is mapped: no more than the images in use are
    in memory. A compressed one is decompressed once, whole.

    Args:
        path: the file.

    Raises:
        UsageError: no such file, or no ``arr_0`` of uint8 [N,H,W,3], or labels that do not belong to it; truncated, a
            header that promises more than there is, or an array of Python objects, which is refused.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = user_path(path)
        if not self.path.is_file():
            raise UsageError(f"no file {self.path}", "check the path")
        self._images = _open_images(self.path)
        self.ids = tuple(f"{index:06d}" for index in range(len(self._images)))
        self.labels = _read_labels(self.path, len(self.ids))
        self.notes = _unused(self.path, len(self.ids))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_images": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._images = _open_images(self.path)

    def __getitem__(self, index: int) -> Sample:
        import torch

        try:
            pixels = np.array(self._images[index])
        except (OSError, ValueError) as error:
            raise SampleError(f"{self.path}: image {index} cannot be read: {error}") from error
        return Sample(self.ids[index], torch.from_numpy(np.moveaxis(pixels, -1, 0).copy()), self.target(index))

    def target(self, index: int) -> dict[str, Any] | None:
        """``{"label": …}`` where the file has labels."""
        return None if self.labels is None else {"label": self.labels[index]}

    def content_digest(self, index: int) -> str:
        """Of the pixels."""
        return digest_arrays({"image": np.asarray(self._images[index])})


def _open_images(path: Path) -> NDArray[np.uint8]:
    array = _array(path, IMAGES, mapped=True)
    if array is None:
        told = ", ".join(sorted(array_names(path))) or "nothing"
        raise UsageError(f"{path} holds no {IMAGES}, but {told}", _expected(path))
    if array.dtype != np.uint8 or array.ndim != 4 or array.shape[-1] != 3:
        raise UsageError(
            f"{path}: {IMAGES} is {array.dtype} {list(array.shape)}", "images are expected as uint8 [N,H,W,3]"
        )
    if len(array) == 0:
        raise UsageError(f"{path}: no images in {IMAGES}", "check the program that wrote it")
    return array


def _expected(path: Path) -> str:
    hint = "images are expected as arr_0, uint8 [N,H,W,3]"
    statistics = f"mu and sigma are statistics, for a reference: vtbench stats import {path} --name NAME"
    return f"{hint}; {statistics}" if array_names(path) & {*STATISTICS} else hint


def _unused(path: Path, count: int) -> tuple[str, ...]:
    """Whoever gives a reference file of ADM's as images should know which half of it is taken."""
    held = array_names(path)
    unused = [name for name in STATISTICS if name in held]
    if not unused:
        return ()
    named = " and ".join([", ".join(unused[:-1]), unused[-1]] if len(unused) > 1 else unused)
    return (f"{path.name} holds statistics beside its {count} images ({IMAGES}): the images are used, {named} not",)


def _read_labels(path: Path, count: int) -> list[int] | None:
    labels = _array(path, LABELS)
    if labels is None:
        return None
    if labels.ndim == 2 and labels.shape[1] > 1:  # one-hot, as some scripts write them
        labels = labels.argmax(axis=1)
    if labels.size != count or labels.dtype.kind not in "iu":
        raise UsageError(
            f"{path}: {LABELS} is {labels.dtype} {list(labels.shape)} for {count} images", "one label each"
        )
    return [int(label) for label in labels.ravel()]


def _array(path: Path, name: str, mapped: bool = False) -> NDArray[Any] | None:
    """An array, mapped where that is asked for and can be; ``None`` if there is none of that name."""
    try:
        found = map_array(path, name) if mapped else None
        return read_array(path, name) if found is None else found
    except Exception as error:
        if name in array_names(path) or not array_names(path):
            raise not_an_npz(path, error, "arr_0=images", "images uint8 [N,H,W,3]") from error
        return None
