"""Arrays of an npz, read within bounds: what a header states is held against what the archive holds, before any use."""

from __future__ import annotations

import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

SUFFIX = ".npy"
_LOCAL_HEADER = 30
_MOST_HEADER = 2000
_CHUNK = 1 << 20
_MOST_UNFOLDED, _MOST_RATIO = 256 << 20, 100
"""Of a compressed array: beyond both, it is no picture or statistic but a bomb. Black images are smaller than the one,
photographs and statistics hardly reach a tenth of the other."""


@dataclass(frozen=True)
class StoredArray:
    """What the archive says of one array.

    Attributes:
        values: bytes of its values, as many as shape and dtype need.
        header: bytes before them.
    """

    entry: zipfile.ZipInfo
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    values: int
    header: int


def stored_array(archive: zipfile.ZipFile, name: str) -> StoredArray:
    """The form of an array; nothing but its header is read.

    Raises:
        KeyError: no such array.
        ValueError: Python objects, or a header that does not fit what the archive holds.
        Exception: whatever zipfile and numpy raise on damaged files.
    """
    entry = archive.getinfo(f"{name}{SUFFIX}")
    with archive.open(entry) as stream:  # compares the entry with the header before its data
        found = _header(stream, entry)
    if found.values + found.header != entry.file_size:
        held = entry.file_size - found.header
        raise ValueError(f"the header of {name} promises {found.values:,} bytes, it holds {held:,}")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is compressed in a way that numpy does not write")
    if entry.compress_type == zipfile.ZIP_STORED and entry.compress_size != entry.file_size:
        raise ValueError(f"{name} has two sizes: {entry.compress_size:,} and {entry.file_size:,} bytes")
    if entry.file_size > _MOST_UNFOLDED and entry.file_size > _MOST_RATIO * max(entry.compress_size, 1):
        raise ValueError(f"{name} would unfold from {entry.compress_size:,} bytes to {entry.file_size:,}")
    return found


def read_array(path: Path, name: str) -> NDArray[Any]:
    """An array, decompressed once, whole, its checksum compared. Raises as :func:`stored_array`."""
    with zipfile.ZipFile(path) as archive:
        found = stored_array(archive, name)
        with archive.open(found.entry) as stream:
            stream.read(found.header)
            memory = np.empty(found.values, dtype=np.uint8)
            for start in range(0, found.values, _CHUNK):
                end = min(start + _CHUNK, found.values)
                part = stream.read(end - start)
                if len(part) < end - start:
                    raise EOFError(f"{name} ends after {start + len(part):,} of {found.values:,} bytes")
                memory[start:end] = np.frombuffer(part, dtype=np.uint8)
            if stream.read(1):  # at its end, the checksum is compared
                raise ValueError(f"{name} holds more than it says")
    array: NDArray[Any] = np.ndarray(found.shape, found.dtype, memory.data, order="F" if found.fortran else "C")
    return array


def map_array(path: Path, name: str) -> NDArray[Any] | None:
    """An array that stays on disk; ``None`` where it is compressed or empty. Raises as :func:`stored_array`."""
    with zipfile.ZipFile(path) as archive:
        found = stored_array(archive, name)
        if found.entry.compress_type != zipfile.ZIP_STORED or not found.values:
            return None
    with path.open("rb") as stream:
        stream.seek(found.entry.header_offset)
        local = stream.read(_LOCAL_HEADER)
        size = stream.seek(0, 2)
    before = int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")
    start = found.entry.header_offset + _LOCAL_HEADER + before + found.header
    if start + found.values > size:
        raise ValueError(f"the file ends inside {name}")
    mapped: NDArray[Any] = np.memmap(path, found.dtype, "r", start, found.shape, "F" if found.fortran else "C")
    return mapped


def _header(stream: IO[bytes], entry: zipfile.ZipInfo) -> StoredArray:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(stream, max_header_size=_MOST_HEADER)
    if dtype.hasobject:
        raise ValueError("Object arrays cannot be loaded without pickle")
    if any(side < 0 for side in shape):
        raise ValueError(f"a shape of {list(shape)}")
    return StoredArray(entry, shape, dtype, fortran, math.prod(shape) * dtype.itemsize, stream.tell())
