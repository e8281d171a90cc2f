"""16-bit PNG is held against its own header before a decoder in C sees it."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from vtbench.core.errors import SampleError
from vtbench.data.decode import decode_image
from vtbench.data.preparing.sound_png import sound_png

HEIGHT, WIDTH = 5, 3


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(height: int = HEIGHT, filtered: int = 0, pixels: bytes | None = None, after: bytes = b"") -> bytes:
    values = np.random.default_rng(0).integers(0, 65536, (HEIGHT, WIDTH, 3)).astype(">u2")
    rows = b"".join(bytes([filtered]) + row.tobytes() for row in values)
    packed = zlib.compress(rows if pixels is None else pixels) + after
    header = struct.pack(">IIBBBBB", WIDTH, height, 16, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", packed[:20]) + chunk(b"IDAT", packed[20:]) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_the_picture_is_the_same() -> None:
    expected = np.random.default_rng(0).integers(0, 65536, (HEIGHT, WIDTH, 3))
    for data in (png(), png(after=b"more")):
        assert np.array_equal(decode_image(data).numpy().transpose(1, 2, 0), (expected + 128) // 257)
    assert sound_png(sound_png(png())) == sound_png(png())


@pytest.mark.parametrize("kind", ["height", "filter", "short", "checksum", "cut"])
def test_what_a_decoder_could_stumble_over_is_refused(kind: str) -> None:
    damaged = {
        "height": png(height=HEIGHT * 100),
        "filter": png(filtered=7),
        "short": png(pixels=b"\0" * 7),
        "checksum": png().replace(b"IDAT", b"IDAU", 1),
        "cut": png()[:-6],
    }[kind]
    with pytest.raises(ValueError):
        sound_png(damaged)
    with pytest.raises(SampleError):
        decode_image(damaged)
