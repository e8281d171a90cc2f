"""Features of the references, computed once per (data, preprocessing, extractor) and shared by every tokenizer.

They live in the run folder, so that a copied run folder can be re-scored anywhere, and are hard-linked into the
user's cache, so that another run folder need not compute them again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vtbench.core.digests import digest_json
from vtbench.core.disk.caches import optional
from vtbench.core.disk.files import atomic_path, cache_dir
from vtbench.core.disk.links import refuse_linked_way
from vtbench.core.disk.partial import sweep
from vtbench.core.errors import DamagedFileError, VtbenchError
from vtbench.core.outside.seals import REPAIR
from vtbench.core.outside.tensor_files import check_tensors, open_tensors, write_tensors
from vtbench.features import FEATURES_VERSION
from vtbench.metrics.sets.reference_statistics import ReferenceStatistics, open_statistics
from vtbench.run.storing.blocks import Block
from vtbench.run.storing.features import StoredFeatures

FOLDER = ".references"
_STATISTICS, _SUFFIX = "statistics-", ".safetensors"
_FORMAT = 1


def reference_key(
    *, data_fingerprint: str, preprocess: Mapping[str, Any], extractor_id: str, device_type: str, block_size: int
) -> str:
    """What reference features depend on, as a digest.

    A GPU's float noise differs from a CPU's, and only runs that cut their blocks alike can share block files, so both
    are part of it.
    """
    identity = [_FORMAT, FEATURES_VERSION, data_fingerprint, dict(preprocess), extractor_id, device_type, block_size]
    return digest_json(identity, length=24)


class ReferenceFeatures:
    """Reference features of one extractor, sealed: a file names the reference and the samples that it is of.

    Args:
        out: the folder of all runs.
        key: see :func:`reference_key`.
        features: names that must be present for a stored block to count.
        cached: whether what is written is kept in the user's cache, too. It is read from there in any case.
    """

    def __init__(self, out: Path, key: str, features: frozenset[str], *, cached: bool = True) -> None:
        self.key, self._cached = key, cached
        self.features = features
        self._out, self._folder = out, out / FOLDER / key
        self._cache = cache_dir() / "references" / key
        sweep(self._cache)
        self._whole: dict[Path, tuple[int, ...]] = {}

    def has(self, block: Block) -> bool:
        """Whether this block is there and whole, taking it from the user's cache if need be.

        Every byte is looked at, once as long as the file does not change. A damaged file counts as absent: it is
        computed and written again.
        """
        path = self.path(block)
        if self._is_whole(path, block):
            return True
        if self._is_whole(self._cache / path.name, block):
            refuse_linked_way(self._folder, self._out)
            link(self._cache / path.name, path)
            return True
        return False

    def write(self, block: Block, features: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Keep one block, here and in the cache."""
        path = self.path(block)
        refuse_linked_way(self._folder, self._out)
        write_tensors(path, features, self._of(block))
        if self._cached:
            keep(path, self._cache / path.name)

    def stored(self, blocks: list[Block], feature: str) -> StoredFeatures:
        """One feature over all blocks.

        Raises:
            DamagedFileError: a block is gone or damaged, and the cache has no other.
        """
        for block in blocks:
            if not self.has(block):
                self.check(block)
        return StoredFeatures([self.path(block) for block in blocks], feature)

    def check(self, block: Block) -> None:
        """Hold a block in the folder of all runs against its seal.

        Raises:
            DamagedFileError: it is gone, damaged, another's, or lacks a feature.
        """
        self._check(self.path(block), block)

    def path(self, block: Block) -> Path:
        """Where a block lies in the folder of all runs."""
        return self._folder / f"{block.index:05d}.safetensors"

    def _is_whole(self, path: Path, block: Block) -> bool:
        try:
            seen = _signature(path)
            if self._whole.get(path) != seen:
                self._check(path, block)
                self._whole[path] = seen
        except (OSError, VtbenchError):
            return False
        return True

    def _check(self, path: Path, block: Block) -> None:
        check_tensors(path, self._of(block), REPAIR)
        with open_tensors(path, REPAIR) as tensors:
            lacking = sorted(self.features - set(tensors.keys()))
        if lacking:
            raise DamagedFileError(path, f"lacks {', '.join(lacking)}", REPAIR)

    def _of(self, block: Block) -> dict[str, Any]:
        return {"reference": self.key, "block": block.index, "start": block.start, "stop": block.stop}


def statistics_name(key: str) -> str:
    """Under which name a file of statistics lies in the folder of all references, and in the cache."""
    return f"{_STATISTICS}{key}{_SUFFIX}"


def open_placed(path: Path) -> ReferenceStatistics:
    """A file of statistics that is what its name says.

    Raises:
        DamagedFileError: it holds the statistics of another reference.
        VtbenchError: see :func:`~vtbench.metrics.sets.reference_statistics.open_statistics`.
    """
    found = open_statistics(path)
    if not found.may_lie_under(path.name.removeprefix(_STATISTICS).removesuffix(_SUFFIX)):
        raise DamagedFileError(path, "is another's: it holds the statistics of another reference", REPAIR)
    return found


def open_reference(out: Path, name: str) -> ReferenceStatistics:
    """The file of that name in the folder of all references below ``out``.

    Raises:
        DamagedFileError: it is gone, damaged or another's.
    """
    path = out / FOLDER / name
    try:
        return open_placed(path)
    except DamagedFileError:
        raise
    except (VtbenchError, OSError):
        raise DamagedFileError(path, "is gone or cannot be read", REPAIR) from None


def _signature(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def keep(source: Path, cached: Path) -> None:
    """Link into the user's cache; a cache that cannot be written is told once, and nothing depends on it."""
    with optional():
        link(source, cached)


def link(source: Path, target: Path) -> None:
    """Hard-link where both are on one file system, else copy; atomic either way."""
    with atomic_path(target) as temporary:
        temporary.unlink()
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)
