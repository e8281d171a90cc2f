"""What an offline run of W&B holds: its log (LevelDB's format, 32 KiB blocks) read record by record."""

from __future__ import annotations

import json
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_BLOCK, _HEAD, _FILE_HEAD = 32 * 1024, 7, 7
_WHOLE, _LAST = 1, 4


def records(file: Path) -> list[Any]:
    """Every record of a run's ``.wandb`` file, as W&B's own messages; its process may still be writing the last."""
    deadline = time.monotonic() + 30
    while True:
        found = list(_records(file))
        if (found and found[-1].WhichOneof("record_type") == "exit") or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def _records(file: Path) -> Iterator[Any]:
    """Up to the first piece that is not written whole yet."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, place, part = file.read_bytes(), _FILE_HEAD, b""
    while place + _HEAD <= len(data):
        left = _BLOCK - place % _BLOCK
        if left < _HEAD:
            place += left
            continue
        checksum, size, kind = struct.unpack("<IHB", data[place : place + _HEAD])
        piece = data[place + _HEAD : place + _HEAD + size]
        if zlib.crc32(piece, zlib.crc32(bytes([kind]))) != checksum:
            return
        part += piece
        place += _HEAD + size
        if kind in (_WHOLE, _LAST):
            yield Record.FromString(part)
            part = b""


def history(file: Path) -> list[dict[str, Any]]:
    """Logged rows, ``_step`` in each; parts of a picture or table by ``NAME/path`` and the like."""
    rows = [record.history for record in records(file) if record.WhichOneof("record_type") == "history"]
    return [{"/".join(item.nested_key) or item.key: json.loads(item.value_json) for item in row.item} for row in rows]


def config(file: Path) -> dict[str, Any]:
    """The config as it ended."""
    found: dict[str, Any] = {}
    for record in records(file):
        if record.WhichOneof("record_type") == "config":
            found |= {item.key or item.nested_key[0]: json.loads(item.value_json) for item in record.config.update}
    return found


def run(file: Path) -> Any:
    """Id, project, name and tags."""
    return next(record.run for record in records(file) if record.WhichOneof("record_type") == "run")
