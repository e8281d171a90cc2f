"""Videos as one array of a ``.npy`` or ``.npz`` file, mapped from disk where the file allows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vtbench.core.digests import digest_arrays
from vtbench.core.errors import SampleError, UsageError
from vtbench.core.outside.npz_arrays import map_array, read_array
from vtbench.core.outside.npz_files import array_names, not_an_npz
from vtbench.core.outside.parsing import reason
from vtbench.data.limits import MOST_CLIP_PIXELS
from vtbench.data.sources.videos.stacking import Array

FORMS = "uint8 [N,T,H,W,3] or [N,T,3,H,W], or floats in [0, 1] of the same axes"
_AXES = 5


@dataclass(frozen=True, eq=False)
class ArrayFile:
    """The videos of a file.

    Attributes:
        path: the file.
        name: of the array in an npz; empty for a ``.npy``.
        last: whether the colours are the last axis, not the third.
    """

    path: Path
    name: str
    last: bool
    values: NDArray[Any]

    def __reduce__(self) -> tuple[Any, ...]:
        return open_videos, (self.path,)


class FramesOfArray:
    """One video of an array; its name is its position, ``000012``.

    Args:
        file: all of them.
        index: which.
    """

    problem = ""

    def __init__(self, file: ArrayFile, index: int) -> None:
        self.name, self._file, self._index = f"{index:06d}", file, index

    @property
    def frames(self) -> int:
        """How many it has."""
        return int(self._file.values.shape[1])

    def read(self, places: range) -> Array:
        """``uint8 [T,3,H,W]`` of the frames at ``places``; floats by the one rounding rule.

        Raises:
            SampleError: floats outside [0, 1], or more pixels than a clip may hold.
        """
        height, width = (self._file.values.shape[axis] for axis in ((2, 3) if self._file.last else (3, 4)))
        if len(places) * height * width > MOST_CLIP_PIXELS:
            raise SampleError(f"{self.name}: a clip of more than {MOST_CLIP_PIXELS:,} pixels, all frames together")
        try:
            values = np.array(self._of(places))
        except (OSError, ValueError) as error:
            raise SampleError(f"{self._file.path}: video {self._index} cannot be read: {error}") from error
        return np.ascontiguousarray(_as_uint8(self.name, np.moveaxis(values, -1, 1) if self._file.last else values))

    def digest(self, places: range) -> str:
        """Of the values of these frames."""
        return digest_arrays({"video": np.ascontiguousarray(self._of(places))})

    def _of(self, places: range) -> NDArray[Any]:
        return self._file.values[self._index, places.start : places.stop : places.step]


def open_videos(path: Path) -> ArrayFile:
    """The one array of videos in a file.

    Raises:
        UsageError: it holds none or several, or one whose axes can be read in two ways.
    """
    found = _arrays(path)
    if not found:
        raise UsageError(f"{path} holds no videos", f"videos are an array {FORMS}")
    if len(found) > 1:
        raise UsageError(
            f"{path} holds several arrays of videos: {', '.join(found)}", "save the one that is meant alone"
        )
    ((name, values),) = found.items()
    first, last = values.shape[2] == 3, values.shape[4] == 3
    if first == last:
        told = "its colours could be the third axis or the last" if first else "none of its axes is three colours"
        raise UsageError(f"{path}: {values.dtype} {list(values.shape)}: {told}", f"videos are {FORMS}")
    if 0 in values.shape:
        raise UsageError(f"{path}: an empty array, {list(values.shape)}", "check the program that wrote it")
    return ArrayFile(path, name, last, values)


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Arrays of five axes, by name."""
    if path.suffix.lower() == ".npy":
        found = {"": _mapped(path)}
    else:
        names = sorted(array_names(path))
        found = {name: _member(path, name) for name in names or [""]}
    videos = {name: values for name, values in found.items() if values.ndim == _AXES}
    strange = [values for values in videos.values() if values.dtype != np.uint8 and values.dtype.kind != "f"]
    if strange or (found and not videos):
        told = (strange or list(found.values()))[0]
        raise UsageError(f"{path} holds {told.dtype} {list(told.shape)}, which is no array of videos", f"give {FORMS}")
    return videos


def _mapped(path: Path) -> NDArray[Any]:
    try:
        values: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False, max_header_size=2000)
    except Exception as error:
        raise UsageError(
            f"{path} cannot be read as an array: {reason(error)}", f"save it with np.save, {FORMS}, without objects"
        ) from error
    if not isinstance(values, np.ndarray):
        raise UsageError(f"{path} is no .npy file", f"save it with np.save, {FORMS}")
    return values


def _member(path: Path, name: str) -> NDArray[Any]:
    try:
        mapped = map_array(path, name)
        return read_array(path, name) if mapped is None else mapped
    except Exception as error:
        raise not_an_npz(path, error, "videos=videos", FORMS) from error


def _as_uint8(name: str, values: NDArray[Any]) -> Array:
    """As stored, or floats by the rounding rule of :mod:`vtbench.core.pixels`."""
    if values.dtype == np.uint8:
        return values
    low, high = float(values.min()), float(values.max())
    if not (low >= 0.0 and high <= 1.0):  # of NaN neither is true
        raise SampleError(f"{name}: floats from {low:.3g} to {high:.3g}, which are expected in [0, 1]")
    import torch

    from vtbench.core.pixels import to_uint8

    rounded: Array = to_uint8(torch.from_numpy(values.astype(np.float32))).numpy()
    return rounded
