"""Features of the references, computed once per (data, preprocessing, extractor) and shared by every tokenizer.

They live in the run folder, so that a copied run folder can be re-scored anywhere, and are hard-linked into the
user's cache, so that another run folder need not compute them again.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vtbench.core.digests import digest_json
from vtbench.core.errors import VtbenchError
from vtbench.core.files import atomic_path, cache_dir
from vtbench.run.store import Block, StoredFeatures, open_tensors, write_tensors

FOLDER = ".references"
_FORMAT = 1


def reference_key(
    *, data_fingerprint: str, preprocess: Mapping[str, Any], extractor_id: str, device_type: str, block_size: int
) -> str:
    """What reference features depend on, as a digest.

    A GPU's float noise differs from a CPU's, and only runs that cut their blocks alike can share block files, so both
    are part of it.
    """
    identity = [_FORMAT, data_fingerprint, dict(preprocess), extractor_id, device_type, block_size]
    return digest_json(identity, length=24)


class ReferenceFeatures:
    """Reference features of one extractor.

    Args:
        out: the folder of all runs.
        key: see :func:`reference_key`.
        features: names that must be present for a stored block to count.
    """

    def __init__(self, out: Path, key: str, features: frozenset[str]) -> None:
        self.key = key
        self.features = features
        self._folder = out / FOLDER / key
        self._cache = cache_dir() / "references" / key

    def has(self, block: Block) -> bool:
        """Whether this block is there, taking it from the user's cache if need be."""
        name = self._name(block)
        if self._complete(self._folder / name):
            return True
        if self._complete(self._cache / name):
            link(self._cache / name, self._folder / name)
            return True
        return False

    def write(self, block: Block, features: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Keep one block, here and in the cache."""
        path = self._folder / self._name(block)
        write_tensors(path, features, {"start": block.start, "stop": block.stop})
        keep(path, self._cache / path.name)

    def stored(self, blocks: list[Block], feature: str) -> StoredFeatures:
        """One feature over all blocks."""
        for block in blocks:
            self.has(block)
        return StoredFeatures([self._folder / self._name(block) for block in blocks], feature)

    def _complete(self, path: Path) -> bool:
        """A damaged file counts as absent: it is computed and written again."""
        if not path.is_file():
            return False
        try:
            with open_tensors(path) as tensors:
                return self.features <= set(tensors.keys())
        except VtbenchError:
            return False

    @staticmethod
    def _name(block: Block) -> str:
        return f"{block.index:05d}.safetensors"


def keep(source: Path, cached: Path) -> None:
    """Link into the user's cache; a cache that cannot be written is told once, and nothing depends on it."""
    try:
        link(source, cached)
    except VtbenchError:
        warnings.warn(f"{cache_dir()} cannot be written: references are not kept for other runs", stacklevel=2)


def link(source: Path, target: Path) -> None:
    """Hard-link where both are on one file system, else copy; atomic either way."""
    with atomic_path(target) as temporary:
        temporary.unlink()
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)
