"""Images that are in this process already, as data sets: what somebody holds becomes what a task reads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader

from vtbench.api.live.clips import LiveClips
from vtbench.api.live.pixels import array_images, image_and_label, pixels
from vtbench.core.contracts import ImageDataset, Sample
from vtbench.core.digests import digest_arrays
from vtbench.core.errors import SampleError, UsageError
from vtbench.core.foreign.guard import foreign
from vtbench.core.foreign.returned import in_words
from vtbench.data.decode import decode_image
from vtbench.data.fingerprint import Fingerprinted, digest_readable_file

_TAKEN = "give what --data takes, a torch Dataset, a list of Pillow images or of paths, or uint8 [N,3,H,W]"
_WAITING_BYTES = 1 << 30
"""Pixels that are kept between the reading of an image for its digest and that for its measuring."""
Data = Any
"""What :func:`as_data` takes; its kinds have no type in common."""


def as_data(data: Data, what: str = "data") -> str | ImageDataset | None:
    """Data as a task reads it: text for whatever the command line takes, else a data set.

    Args:
        data: text or a path; ``uint8 [N,3,H,W]``, or ``uint8 [N,T,3,H,W]`` of clips; a list of Pillow images, of paths
            or of ``uint8 [3,H,W]``; anything with a length whose items are images, or images with a label; or an
            :class:`~vtbench.core.contracts.ImageDataset`. ``None`` stays.
        what: the argument's name, for messages.

    Raises:
        UsageError: anything else, or no images.
    """
    if data is None or isinstance(data, str):
        return data
    if isinstance(data, os.PathLike):
        return str(os.fspath(data))
    if hasattr(data, "ids") and hasattr(data, "fingerprint"):
        return cast(ImageDataset, data)  # of the contract, somebody's own
    if isinstance(data, torch.Tensor | np.ndarray) and data.ndim == 5:
        return LiveClips(data, what)
    if isinstance(data, torch.Tensor | np.ndarray):
        return LiveImages(array_images(data, what), f"{len(data)} images")
    if not hasattr(data, "__len__") or not hasattr(data, "__getitem__"):
        hint = f"give what it loads: {what}=loader.dataset" if isinstance(data, DataLoader) else _TAKEN
        raise UsageError(f"{what}: {in_words(data)} has no length, or no items", hint)
    if len(data) == 0:
        raise UsageError(f"{what} holds no images", _TAKEN)
    if isinstance(data, list | tuple):
        return _of_list(data, what)
    return LiveImages(data, f"{type(data).__name__} of {len(data)} images")


def _of_list(items: Sequence[Any], what: str) -> ImageDataset:
    are_paths = [isinstance(item, str | os.PathLike) for item in items]
    if all(are_paths):
        return ListedFiles(items)
    strange = next((item for item in items if not isinstance(item, Image.Image | torch.Tensor | np.ndarray)), None)
    if strange is not None:
        raise UsageError(f"{what} is a list that holds {in_words(strange)}", _TAKEN)
    return LiveImages(items, f"{len(items)} images")


class LiveImages(Fingerprinted):
    """Images by index: a torch Dataset, a list, an array. Ids number them: ``000000``, ``000001`` …

    An item is an image, or a tuple or dictionary of an image and its label; what an image is is said in
    :func:`~vtbench.api.live.pixels.pixels`. The fingerprint is that of an ``.npz`` with the same pixels and labels.
    Each item is asked for once, for its digest and for its pixels, as far as 1 GB goes.

    Args:
        items: with a length; ``items[i]`` is one image.
        told: what a record calls the data.
    """

    def __init__(self, items: Any, told: str) -> None:
        self.items, self._told = items, told
        self.ids = tuple(f"{index:06d}" for index in range(len(items)))
        self._labels: dict[int, dict[str, Any] | None] = {}
        self._waiting: dict[int, torch.Tensor] = {}
        self._waiting_bytes = 0

    def __str__(self) -> str:
        return f"{self._told} in memory" if isinstance(self.items, list | tuple) else self._told

    def __getitem__(self, index: int) -> Sample:
        image = self._waiting.get(index)
        if image is None:
            image = self._read(index)
        elif index:  # the first is looked at for its size, too
            self._waiting_bytes -= self._waiting.pop(index).numel()
        return Sample(self.ids[index], image, self._labels[index])

    def target(self, index: int) -> dict[str, Any] | None:
        """``{"label": …}`` where the item has one. Known once the item was read."""
        return self._labels.get(index)

    def content_digest(self, index: int) -> str:
        """Of the pixels; an item that cannot be read fails when it is measured, and is recorded then."""
        try:
            with foreign(f"sample {self.ids[index]}", seed=index):
                image = self._read(index)
        except Exception:  # noqa: BLE001 - whatever one item does, the others are measured
            return "unreadable"
        if self._waiting_bytes + image.numel() <= _WAITING_BYTES and index not in self._waiting:
            self._waiting[index] = image
            self._waiting_bytes += image.numel()
        return digest_arrays({"image": image.numpy().transpose(1, 2, 0)})

    def _read(self, index: int) -> torch.Tensor:
        image, self._labels[index] = image_and_label(self.items[index])
        return pixels(image)


class ListedFiles(Fingerprinted):
    """Image files in the order given. Ids are their paths from the folder that holds them all; the fingerprint is that
    of the same files as a folder, where they lie in no sub-folders.

    Raises:
        UsageError: one is listed twice, or is not there.
    """

    hashing_threads = min(8, os.cpu_count() or 1)

    def __init__(self, paths: Sequence[str | os.PathLike[str]]) -> None:
        self._paths = [Path(path).expanduser().absolute() for path in paths]
        gone = next((path for path in self._paths if not path.is_file()), None)
        if gone is not None:
            raise UsageError(f"no image file {gone}", "check the list of paths")
        self._root = Path(os.path.commonpath([path.parent for path in self._paths]))
        self.ids = tuple(path.relative_to(self._root).as_posix() for path in self._paths)
        if len(set(self.ids)) < len(self.ids):
            twice = next(name for name in self.ids if self.ids.count(name) > 1)
            raise UsageError(f"{self._root / twice} is listed twice", "give each file once")

    def __str__(self) -> str:
        return f"{len(self._paths)} files in {self._root}"

    def __getitem__(self, index: int) -> Sample:
        name, path = self.ids[index], self._paths[index]
        if not path.is_file():
            raise SampleError(f"{name}: is gone")
        return Sample(id=name, image=decode_image(path, name))

    def content_digest(self, index: int) -> str:
        """SHA-256 of the file."""
        return digest_readable_file(self._paths[index])
