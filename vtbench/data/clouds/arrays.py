"""Clouds in one array: ``.npy`` or ``.npz``, [N,P,3]."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vtbench.core.digests import digest_arrays
from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError
from vtbench.core.outside.npy_arrays import read_npy
from vtbench.core.outside.npz_arrays import map_array, read_array
from vtbench.core.outside.npz_files import array_names, not_an_npz
from vtbench.data.clouds.contract import Points, chosen
from vtbench.data.fingerprint import Fingerprinted

_NAMES = ("arr_0", "points")


class ArrayClouds(Fingerprinted):
    """The clouds of an array, mapped from disk where the file allows it; an id is the position, as ``000012``.

    Args:
        path: a ``.npy``, or a ``.npz`` that holds one array, or one named ``arr_0`` or ``points``.

    Raises:
        UsageError: no such file, Python objects (which are refused), or no array [N,P,3] of numbers.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = user_path(path)
        if not self.path.is_file():
            raise UsageError(f"no file {self.path}", "check the path")
        self._clouds = (
            read_npy(self.path, str(self.path), UsageError) if self.path.suffix == ".npy" else _read_npz(self.path)
        )
        if self._clouds.ndim != 3 or self._clouds.shape[2] != 3 or self._clouds.dtype.kind not in "fiu":
            raise UsageError(
                f"{self.path} is {self._clouds.dtype} {list(self._clouds.shape)}", "clouds are expected as [N,P,3]"
            )
        if len(self._clouds) == 0:
            raise UsageError(f"{self.path} holds no clouds", "check the program that wrote it")
        self.ids = tuple(f"{index:06d}" for index in range(len(self._clouds)))

    def points(self, index: int, count: int, seed: int) -> Points:
        """See :class:`~vtbench.data.clouds.contract.CloudSet`."""
        return chosen(np.asarray(self._clouds[index]), count, seed, f"{self.path.name}[{index}]")

    def content_digest(self, index: int) -> str:
        """Of the points."""
        return digest_arrays({"points": np.asarray(self._clouds[index])})


def _read_npz(path: Path) -> NDArray[Any]:
    names = sorted(array_names(path))
    name = next((known for known in _NAMES if known in names), names[0] if len(names) == 1 else None)
    if name is None:
        told = f"holds {', '.join(names)}" if names else "holds no array"
        if names:
            raise UsageError(f"{path} {told}", f"name the clouds: np.savez(FILE, {_NAMES[0]}=clouds), [N,P,3]")
        raise not_an_npz(path, ValueError(told), f"{_NAMES[0]}=clouds", "clouds [N,P,3]")
    try:
        mapped = map_array(path, name)
        return read_array(path, name) if mapped is None else mapped
    except Exception as error:
        raise not_an_npz(path, error, f"{_NAMES[0]}=clouds", "clouds [N,P,3]") from error
