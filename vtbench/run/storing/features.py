"""Features that stay on disk: walked block by block, or picked by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vtbench.core.contracts import Features
from vtbench.core.errors import DamagedFileError, VtbenchError
from vtbench.core.outside.seals import REPAIR
from vtbench.core.outside.tensor_files import open_tensors
from vtbench.run.storing.blocks import tensor


class StoredFeatures:
    """Features that stay on disk, one file a block: walked block by block, or picked by row.

    Args:
        paths: block files, in order.
        key: the tensor's name in each.
    """

    def __init__(self, paths: Sequence[Path], key: str) -> None:
        self._key = key
        lengths, widths, self._paths = [], set(), []
        for path in paths:
            rows, width = _stored_shape(path, key)
            if rows:
                self._paths.append(path)
                lengths.append(rows)
                widths.add(width)
        if len(widths) > 1:
            raise VtbenchError(f"{key} has widths {sorted(widths)} in {paths[0].parent}", "run again with --fresh")
        self._ends = np.cumsum(lengths, dtype=np.int64)
        self._width = widths.pop() if widths else 0

    @property
    def shape(self) -> tuple[int, int]:
        """``(N, D)``."""
        return (int(self._ends[-1]) if len(self._ends) else 0, self._width)

    def blocks(self) -> Iterator[np.ndarray[Any, np.dtype[np.float32]]]:
        """Row blocks, in order."""
        for path in self._paths:
            with open_tensors(path, REPAIR) as tensors:
                yield tensor(tensors, self._key, path)

    def rows(self, indices: Sequence[int]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """The named rows, in the order asked for; each file is opened once."""
        wanted = np.asarray(indices, dtype=np.int64)
        picked = np.empty((len(wanted), self._width), dtype=np.float32)
        owner = np.searchsorted(self._ends, wanted, side="right")
        for file in np.unique(owner):
            mask = owner == file
            start = int(self._ends[file - 1]) if file else 0
            with open_tensors(self._paths[file], REPAIR) as tensors:
                picked[mask] = tensor(tensors, self._key, self._paths[file])[wanted[mask] - start]
        return picked


class SelectedFeatures:
    """Some rows of other features, in the order given.

    Args:
        features: where the rows are.
        indices: which of them.
    """

    _AT_ONCE = 1024

    def __init__(self, features: Features, indices: Sequence[int]) -> None:
        self._features, self._indices = features, list(indices)

    @property
    def shape(self) -> tuple[int, int]:
        """``(len(indices), D)``."""
        return len(self._indices), self._features.shape[1]

    def blocks(self) -> Iterator[np.ndarray[Any, np.dtype[np.float32]]]:
        """Row blocks, in order."""
        for start in range(0, len(self._indices), self._AT_ONCE):
            yield self._features.rows(self._indices[start : start + self._AT_ONCE])

    def rows(self, indices: Sequence[int]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """The named rows of the selection."""
        return self._features.rows([self._indices[index] for index in indices])


def _stored_shape(path: Path, key: str) -> tuple[int, int]:
    with open_tensors(path, REPAIR) as tensors:
        if key not in tensors.keys():  # noqa: SIM118 - a safetensors handle has no __contains__
            raise DamagedFileError(path, f"holds no {key}: it was not measured, or the file is another's", REPAIR)
        rows, width = tensors.get_slice(key).get_shape()
        return int(rows), int(width)
