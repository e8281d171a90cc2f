"""Files made by the libraries people make files with, and photographs as their content."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vtbench.data.embedded.photographs.photos_mini import load_photograph


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """A real photograph, uint8 [60,90,3], odd enough to show a swapped axis."""
    return np.ascontiguousarray(load_photograph("chelsea").permute(1, 2, 0).numpy()[100:160, 150:240])


@pytest.fixture
def write_png16() -> Callable[..., bytes]:
    """A writer of 16-bit PNG (Pillow has none for colour), straight from the specification."""

    def write(values: np.ndarray, transparent: tuple[int, ...] | None = None) -> bytes:
        height, width, channels = values.shape
        colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]

        def chunk(kind: bytes, body: bytes) -> bytes:
            return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

        rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
        header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
        key = b"" if transparent is None else chunk(b"tRNS", struct.pack(f">{len(transparent)}H", *transparent))
        body = chunk(b"IHDR", header) + key + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
        return b"\x89PNG\r\n\x1a\n" + body

    return write


@pytest.fixture
def image_tree(tmp_path: Path, photo: np.ndarray) -> Path:
    """Two classes of two photographs each, one broken file among them, and things that are no images."""
    root = tmp_path / "tree"
    for name, shift in (("cat/b.png", 0), ("cat/A.JPEG", 3), ("ant/deep/x.WebP", 5), ("ant/broken.png", 0)):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        extension = {".png": "PNG", ".jpeg": "JPEG", ".webp": "WEBP"}[path.suffix.lower()]
        Image.fromarray(np.roll(photo, shift, axis=1)).save(path, format=extension)
    broken = root / "ant/broken.png"
    broken.write_bytes(broken.read_bytes()[:200])
    (root / "notes.txt").write_text("no image")
    (root / ".hidden.png").write_bytes(b"")
    (root / ".cache").mkdir()
    (root / ".cache/y.png").write_bytes(b"")
    return root
