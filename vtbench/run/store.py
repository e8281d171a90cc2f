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
from vtbench.core.errors import DamagedFileError, VtbenchError
from vtbench.core.files import atomic_path
from vtbench.core.outside import reason
from vtbench.results.samples import Samples, join_samples, read_samples, write_samples

Array = np.ndarray[Any, Any]
REPAIR = "delete the run's record.json, if it has one, and give the same vtbench run again: that part is made again"


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

    A block that is there but damaged counts as missing: it is measured again. What is looked at: that both files can
    be opened and are as long as they say, and every row. Bytes of tensors are not: there a digest would be checked.

    Args:
        folder: ``…/blocks``.
        ids: of the job's samples, in order; ``None`` leaves them unchecked.
        columns: metric columns of the rows; ``None`` leaves them unchecked.
    """

    def __init__(self, folder: Path, ids: Sequence[str] | None = None, columns: Sequence[str] | None = None) -> None:
        self.folder = folder
        self._ids, self._columns = ids, None if columns is None else set(columns)
        self._looked_at: dict[int, tuple[tuple[int, ...], str]] = {}

    def rows_path(self, block: Block) -> Path:
        """The row file, whose presence means the block is done."""
        return self.folder / f"{block.index:05d}.parquet"

    def tensors_path(self, block: Block) -> Path:
        """Features and code counts."""
        return self.folder / f"{block.index:05d}.safetensors"

    def has(self, block: Block) -> bool:
        """Whether the block was measured, written whole, and is whole still."""
        return self.damage(block) == ""

    def damage(self, block: Block) -> str | None:
        """What is wrong with a block, in words; empty where nothing is, ``None`` where there is no block.

        Remembered until one of its files changes.
        """
        try:
            found = [path.stat() for path in (self.rows_path(block), self.tensors_path(block))]
        except OSError:
            return None
        seen = tuple(number for one in found for number in (one.st_size, one.st_mtime_ns, one.st_ino))
        if self._looked_at.get(block.index, ((), ""))[0] != seen:
            self._looked_at[block.index] = (seen, self._examined(block))
        return self._looked_at[block.index][1]

    def _examined(self, block: Block) -> str:
        try:
            rows = read_samples(self.rows_path(block))
            self.meta(block)
        except VtbenchError as error:
            return error.what
        path = self.rows_path(block)
        if rows.index.tolist() != list(range(block.start, block.stop)):
            return f"{path} does not hold samples {block.start} to {block.stop - 1}"
        if self._ids is not None and list(rows.ids) != list(self._ids[block.start : block.stop]):
            return f"{path} holds other samples"
        if self._columns is not None and set(rows.metrics) != self._columns:
            return f"{path} has other columns"
        return ""

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
        path = self.tensors_path(block)
        with open_tensors(path) as tensors:
            text = (tensors.metadata() or {}).get("meta")
        try:
            loaded: dict[str, Any] = json.loads(text or "")
        except ValueError:
            raise DamagedFileError(path, "is no block: it has no metadata", REPAIR) from None
        return loaded

    def tensors(self, block: Block, prefix: str) -> dict[str, Array]:
        """Arrays whose name starts with ``prefix``, with the prefix cut off."""
        with open_tensors(self.tensors_path(block)) as tensors:
            return {name[len(prefix) :]: tensors.get_tensor(name) for name in tensors.keys() if name.startswith(prefix)}  # noqa: SIM118


def open_tensors(path: Path) -> Any:
    """Open a safetensors file of numpy arrays.

    Raises:
        DamagedFileError: missing or damaged.
    """
    try:
        return safe_open(path, framework="numpy")
    except (OSError, SafetensorError) as error:
        raise DamagedFileError(path, f"cannot be read: {reason(error)}", REPAIR) from error


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
            raise DamagedFileError(path, f"holds no {key}: it was not measured, or the file is another's", REPAIR)
        rows, width = tensors.get_slice(key).get_shape()
        return int(rows), int(width)
