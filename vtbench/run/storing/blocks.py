"""Block files: the unit of work, of resume and of distribution.

A block is two files, ``NNNNN.safetensors`` (features and code counts) and ``NNNNN.parquet`` (a row a sample). The
tensors are renamed into place first, so a row file in place means that the whole block is there. Both are sealed: they
name the job, the block and its samples, and the rows name the tensors that belong to them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from vtbench.core.digests import digest_json
from vtbench.core.errors import DamagedFileError, VtbenchError
from vtbench.core.outside.seals import REPAIR, UNSEALED
from vtbench.core.outside.tensor_files import OTHERS, Array, check_tensors, open_tensors, write_tensors
from vtbench.results.records.samples import (
    Samples,
    join_samples,
    read_samples,
    read_sealed_samples,
    write_samples,
)


@dataclass(frozen=True)
class Block:
    """Samples ``start`` to ``stop`` (exclusive) of the data set."""

    index: int
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class BlockResult:
    """What measuring one block found.

    Attributes:
        beside: write what lies beside the block and must be there when it is.
    """

    samples: Samples
    tensors: Mapping[str, Array]
    meta: Mapping[str, Any] = field(default_factory=dict)
    beside: Sequence[Callable[[], None]] = ()


def split_blocks(count: int, size: int) -> list[Block]:
    """Fixed contiguous blocks; the last may be shorter."""
    return [Block(index, start, min(start + size, count)) for index, start in enumerate(range(0, count, size))]


class BlockStore:
    """The blocks of one job in ``folder``.

    A block that is there but damaged, or another's, counts as missing: it is measured again. Every byte of both files
    is looked at, once as long as they do not change.

    Args:
        folder: ``…/blocks``.
        job: key of the job; its blocks name it.
        ids: of the job's samples, in order; ``None`` leaves them unchecked.
        columns: metric columns of the rows; ``None`` leaves them unchecked.
    """

    def __init__(
        self, folder: Path, job: str, ids: Sequence[str] | None = None, columns: Sequence[str] | None = None
    ) -> None:
        self.folder, self.job = folder, job
        self._ids, self._columns = ids, None if columns is None else set(columns)
        self._looked_at: dict[int, tuple[tuple[int, ...], str]] = {}

    def rows_path(self, block: Block) -> Path:
        """The row file, whose presence means the block is done."""
        return self.folder / f"{block.index:05d}.parquet"

    def tensors_path(self, block: Block) -> Path:
        """Features and code counts."""
        return self.folder / f"{block.index:05d}.safetensors"

    def is_there(self, block: Block) -> bool:
        """Whether both files of a block exist, whatever they hold."""
        return self._seen(block) is not None

    def has(self, block: Block) -> bool:
        """Whether the block was measured, written whole, and is whole still."""
        return self.damage(block) == ""

    def damage(self, block: Block) -> str | None:
        """What is wrong with a block, in words; empty where nothing is, ``None`` where there is no block.

        Remembered until one of its files changes.
        """
        seen = self._seen(block)
        if seen is None:
            return None
        if self._looked_at.get(block.index, ((), ""))[0] != seen:
            self._looked_at[block.index] = (seen, self._examined(block))
        return self._looked_at[block.index][1]

    def _seen(self, block: Block) -> tuple[int, ...] | None:
        try:
            found = [path.stat() for path in (self.rows_path(block), self.tensors_path(block))]
        except OSError:
            return None
        return tuple(number for one in found for number in (one.st_size, one.st_mtime_ns, one.st_ctime_ns, one.st_ino))

    def _examined(self, block: Block) -> str:
        try:
            self.check(block)
        except VtbenchError as error:
            return error.what
        return ""

    def check(self, block: Block) -> str:
        """Read both files of a block, every byte; a digest of what they hold, timings apart.

        Raises:
            DamagedFileError: one is gone, damaged, edited, or another's.
        """
        path = self.rows_path(block)
        rows, seal = read_sealed_samples(path)
        if seal is None:
            raise DamagedFileError(path, UNSEALED, REPAIR)
        if rows.index.tolist() != list(range(block.start, block.stop)):
            raise DamagedFileError(path, f"does not hold samples {block.start} to {block.stop - 1}", REPAIR)
        of = self._of(block, rows.ids)
        beside = check_tensors(self.tensors_path(block), of, REPAIR)
        if seal["of"] != {**of, "tensors": beside["sha256"]}:
            raise DamagedFileError(path, OTHERS, REPAIR)
        if self._ids is not None and list(rows.ids) != list(self._ids[block.start : block.stop]):
            raise DamagedFileError(path, "holds other samples", REPAIR)
        if self._columns is not None and set(rows.metrics) != self._columns:
            raise DamagedFileError(path, "has other columns", REPAIR)
        return digest_json([seal["content"], beside["content"]])

    def _of(self, block: Block, ids: Sequence[str]) -> dict[str, Any]:
        place = {"job": self.job, "block": block.index, "start": block.start, "stop": block.stop}
        return {**place, "ids": digest_json(list(ids))}

    def missing(self, blocks: Sequence[Block]) -> list[Block]:
        """The blocks still to be measured, in order."""
        return [block for block in blocks if not self.has(block)]

    def write(self, block: Block, result: BlockResult) -> None:
        """Write a block and what lies beside it; the row file goes last."""
        for write in result.beside:
            write()
        of = self._of(block, result.samples.ids)
        seal = write_tensors(self.tensors_path(block), result.tensors, of, result.meta)
        write_samples(result.samples, self.rows_path(block), {**of, "tensors": seal["sha256"]})
        self._looked_at.pop(block.index, None)

    def samples(self, blocks: Sequence[Block]) -> Samples:
        """All rows, in sample order."""
        return join_samples([read_samples(self.rows_path(block)) for block in blocks])

    def content(self, blocks: Sequence[Block]) -> str:
        """A digest of what all blocks hold, timings apart; every byte is read.

        Raises:
            DamagedFileError: see :meth:`check`.
        """
        return digest_json([self.check(block) for block in blocks])

    def meta(self, block: Block) -> dict[str, Any]:
        """Timings and events of one block."""
        path = self.tensors_path(block)
        with open_tensors(path, REPAIR) as tensors:
            text = (tensors.metadata() or {}).get("meta")
        try:
            loaded: dict[str, Any] = json.loads(text or "")
        except ValueError:
            raise DamagedFileError(path, "is no block: it has no metadata", REPAIR) from None
        return loaded

    def tensors(self, block: Block, prefix: str) -> dict[str, Array]:
        """Arrays whose name starts with ``prefix``, with the prefix cut off."""
        path = self.tensors_path(block)
        with open_tensors(path, REPAIR) as tensors:
            names = [name for name in tensors.keys() if name.startswith(prefix)]  # noqa: SIM118
            return {name[len(prefix) :]: tensor(tensors, name, path) for name in names}


def tensor(tensors: Any, name: str, path: Path) -> Array:
    """One array of an open file.

    Raises:
        DamagedFileError: the file does not hold it whole.
    """
    try:
        found: Array = tensors.get_tensor(name)
    except (SafetensorError, ValueError, TypeError) as error:
        raise DamagedFileError(path, f"has no {name} that can be read: {error}", REPAIR) from error
    return found
