"""Images in table cells: plain bytes, or ``{"bytes", "path"}`` as Hugging Face ``datasets`` writes them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vtbench.core.errors import SampleError
from vtbench.core.outside.parsing import read_bytes, reason
from vtbench.data.limits import MOST_FILE_BYTES


def image_bytes(cell: Any, name: str, follow_paths: bool = False) -> bytes:
    """The encoded image in a cell.

    Args:
        cell: ``bytes`` or a mapping with ``bytes`` and ``path``.
        name: sample id, for messages.
        follow_paths: read ``path`` where ``bytes`` is missing. Off for tables of unknown origin, which could name any
            file of this machine.

    Raises:
        SampleError: the cell is empty, or holds something else, or its file cannot be read.
    """
    if isinstance(cell, Mapping):
        if cell.get("bytes") is None and follow_paths and cell.get("path"):
            return _read(Path(cell["path"]), name)
        cell = cell.get("bytes")
    if cell is None:
        raise SampleError(f"{name}: the row holds no image bytes")
    if not isinstance(cell, bytes | bytearray | memoryview):
        raise SampleError(f"{name}: the image column holds {type(cell).__name__}, not encoded bytes")
    return bytes(cell)


def digest_cell(cell: Any, name: str, follow_paths: bool = False) -> str:
    """SHA-256 of a cell's image bytes, or a note that there are none."""
    try:
        return hashlib.sha256(image_bytes(cell, name, follow_paths)).hexdigest()
    except SampleError:
        return "unreadable"


def _read(path: Path, name: str) -> bytes:
    try:
        return read_bytes(path, MOST_FILE_BYTES)
    except (OSError, ValueError) as error:
        raise SampleError(f"{name}: {path} cannot be read: {reason(error)}") from error
