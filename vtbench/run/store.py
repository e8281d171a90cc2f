"""Block files: the unit of work, of resume and of distribution.

A block is two files, ``NNNNN.safetensors`` (features and code counts) and ``NNNNN.parquet`` (a row a sample). The
tensors are renamed into place first, so a row file in place means that the whole block is there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from vtbench.core.contracts import Features
from vtbench.core.errors import VtbenchError
from vtbench.core.files import atomic_path
from vtbench.results.samples import Samples, join_samples, read_samples, write_samples

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Block:
    """Samples ``start`` to ``stop`` (exclusive) of the data set."""

    index: int
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class BlockResult:
    """What measuring one block found."""

    samples: Samples
    tensors: Mapping[str, Array]
    meta: Mapping[str, Any] = field(default_factory=dict)


def split_blocks(count: int, size: int) -> list[Block]:
    """Fixed contiguous blocks; the last may be shorter."""
    return [Block(index, start, min(start + size, count)) for index, start in enumerate(range(0, count, size))]


def write_tensors(path: Path, tensors: Mapping[str, Array], meta: Mapping[str, Any]) -> None:
    """Write arrays and JSON metadata as safetensors, atomically."""
    with atomic_path(path) as temporary:
        contiguous = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
        save_file(contiguous, temporary, metadata={"meta": json.dumps(meta, sort_keys=True)})


class BlockStore:
    """The blocks of one job in ``folder``.

    Args:
        folder: ``…/blocks``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def rows_path(self, block: Block) -> Path:
        """The row file, whose presence means the block is done."""
        return self.folder / f"{block.index:05d}.parquet"

    def tensors_path(self, block: Block) -> Path:
        """Features and code counts."""
        return self.folder / f"{block.index:05d}.safetensors"

    def has(self, block: Block) -> bool:
        """Whether the block was measured and written whole."""
        return self.rows_path(block).is_file() and self.tensors_path(block).is_file()

    def missing(self, blocks: Sequence[Block]) -> list[Block]:
        """The blocks still to be measured, in order."""
        return [block for block in blocks if not self.has(block)]

    def write(self, block: Block, result: BlockResult) -> None:
        """Write a block; the row file goes last."""
        write_tensors(self.tensors_path(block), result.tensors, result.meta)
        write_samples(result.samples, self.rows_path(block))

    def samples(self, blocks: Sequence[Block]) -> Samples:
        """All rows, in sample order."""
        return join_samples([read_samples(self.rows_path(block)) for block in blocks])

    def meta(self, block: Block) -> dict[str, Any]:
        """Timings and events of one block."""
        with open_tensors(self.tensors_path(block)) as tensors:
            loaded: dict[str, Any] = json.loads((tensors.metadata() or {}).get("meta", "{}"))
            return loaded

    def tensors(self, block: Block, prefix: str) -> dict[str, Array]:
        """Arrays whose name starts with ``prefix``, with the prefix cut off."""
        with open_tensors(self.tensors_path(block)) as tensors:
            return {name[len(prefix) :]: tensors.get_tensor(name) for name in tensors.keys() if name.startswith(prefix)}  # noqa: SIM118


def open_tensors(path: Path) -> Any:
    """Open a safetensors file of numpy arrays.

    Raises:
        VtbenchError: missing or damaged.
    """
    try:
        return safe_open(path, framework="numpy")
    except (OSError, SafetensorError) as error:
        raise VtbenchError(
            f"{path} cannot be read: {error}", "delete it and run again: only this block is redone"
        ) from error


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
            with open_tensors(path) as tensors:
                yield tensors.get_tensor(self._key)

    def rows(self, indices: Sequence[int]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """The named rows, in the order asked for; each file is opened once."""
        wanted = np.asarray(indices, dtype=np.int64)
        picked = np.empty((len(wanted), self._width), dtype=np.float32)
        owner = np.searchsorted(self._ends, wanted, side="right")
        for file in np.unique(owner):
            mask = owner == file
            start = int(self._ends[file - 1]) if file else 0
            with open_tensors(self._paths[file]) as tensors:
                picked[mask] = tensors.get_tensor(self._key)[wanted[mask] - start]
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
    with open_tensors(path) as tensors:
        if key not in tensors.keys():  # noqa: SIM118 - a safetensors handle has no __contains__
            raise VtbenchError(
                f"{path} holds no {key}", "this feature was not measured; run the task again with --fresh"
            )
        rows, width = tensors.get_slice(key).get_shape()
        return int(rows), int(width)
