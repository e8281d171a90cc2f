"""Codes as a job's blocks keep them, and all of them together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vtbench.core.errors import AdapterError, DamagedFileError
from vtbench.core.info import TokenizerInfo
from vtbench.core.outside.seals import REPAIR
from vtbench.core.outside.tensor_files import Array
from vtbench.run.probing.sequences import Geometry
from vtbench.run.storing.blocks import Block, BlockStore
from vtbench.run.storing.kept_codes import KEPT_FORM, KEPT_PREFIX


@dataclass(frozen=True, eq=False)
class StoredCodes:
    """Codes of every scored image of a job, in order.

    Attributes:
        geometry: what an image's codes are made of.
        tokens: ``int64 [N,T]``, or ``bool [N,T,nbits]``.
    """

    geometry: Geometry
    tokens: Tensor

    @classmethod
    def read(cls, store: BlockStore, blocks: Sequence[Block], info: TokenizerInfo) -> StoredCodes | None:
        """Read a job's codes; ``None`` of a model that has none.

        Raises:
            DamagedFileError: a block does not hold what its plan says.
            AdapterError: images have codes of unlike grids, or levels unlike numbers of bits.
        """
        geometry = stored_geometry(store, blocks, info)
        return None if geometry is None else cls(geometry, torch.cat(list(stored_sequences(store, blocks, geometry))))


def stored_geometry(store: BlockStore, blocks: Sequence[Block], info: TokenizerInfo) -> Geometry | None:
    """What a job's codes are made of; ``None`` of a model that has none.

    Raises:
        DamagedFileError: a block is damaged.
        AdapterError: images have codes of unlike grids, or levels unlike numbers of bits.
    """
    forms = [form for block in blocks if (form := store.meta(block).get(KEPT_FORM))]
    if not forms:
        return None
    grids, binary = _one_of([form["grids"] for form in forms], info), bool(forms[0]["binary"])
    sizes = tuple(size.bit_length() - 1 for size in info.codebook_sizes) if binary else info.codebook_sizes
    if binary and len(set(sizes)) > 1:
        raise AdapterError(f"{info.name}: levels of {sizes} bits: no one probe predicts them", "")
    return Geometry(grids=grids, sizes=sizes, shared=binary or info.shared_codebook, binary=binary)


def stored_sequences(store: BlockStore, blocks: Sequence[Block], geometry: Geometry) -> Iterator[Tensor]:
    """Tokens of each block that has any, ``int64 [n,T]`` or ``bool [n,T,nbits]``, in order.

    Raises:
        DamagedFileError: a block does not hold what its plan says.
    """
    for block in blocks:
        found = _sequence(store, block, geometry)
        if found is not None:
            yield found


def _one_of(found: Sequence[Any], info: TokenizerInfo) -> tuple[tuple[int, ...], ...]:
    unlike = {tuple(tuple(grid) for grid in grids) for grids in found}
    if len(unlike) != 1:
        raise AdapterError(
            f"{info.name} gave codes of {len(unlike)} geometries: a probe is fitted on images of one size",
            "use a task that brings images to one size",
        )
    return unlike.pop()


def _sequence(store: BlockStore, block: Block, geometry: Geometry) -> Tensor | None:
    arrays: Mapping[str, Array] = store.tensors(block, KEPT_PREFIX)
    if not arrays:
        return None
    levels = [arrays.get(str(level)) for level in range(len(geometry.grids))]
    parts = []
    for array, length, size in zip(levels, geometry.lengths, geometry.sizes, strict=True):
        if array is None or array.shape[1] != length:
            raise DamagedFileError(store.tensors_path(block), "holds codes of another geometry", REPAIR)
        if geometry.binary:
            parts.append(torch.from_numpy(np.unpackbits(array, axis=-1, count=size).astype(bool)))
            continue
        if array.size and int(array.max()) >= size:
            raise DamagedFileError(store.tensors_path(block), f"holds an index beyond {size} entries", REPAIR)
        parts.append(torch.from_numpy(array.astype(np.int64)))
    return torch.cat(parts, dim=1)
