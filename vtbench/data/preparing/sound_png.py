"""A PNG of 16-bit colour that no decoder can stumble over: torchvision's can crash on data that end too early."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {2: 3, 4: 2, 6: 4}
_KEY_BYTES = {2: 6}
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Of an interlaced file: first column and row, and the steps between them."""
_FILTERS = 5


def sound_png(data: bytes) -> bytes:
    """The same picture in the plainest file: one header, the colour declared clear, all pixels in one chunk.

    Raises:
        ValueError: a chunk, a checksum, the amount of pixels or a filter that is none.
    """
    chunks = list(_chunks(data))
    header = chunks[0][1]
    if chunks[0][0] != b"IHDR" or len(header) != 13:
        raise ValueError("it does not begin with a header")
    kind = header[9]
    if header[8] != 16 or kind not in _CHANNELS or header[10:12] != b"\0\0" or header[12] > 1:
        raise ValueError("its header is no header of 16-bit colour")
    keys = [body for name, body in chunks if name == b"tRNS" and len(body) == _KEY_BYTES.get(kind)]
    pixels = _checked(b"".join(body for name, body in chunks if name == b"IDAT"), header)
    kept = [(b"IHDR", header), *((b"tRNS", key) for key in keys[:1]), (b"IDAT", pixels), (b"IEND", b"")]
    return _SIGNATURE + b"".join(_chunk(name, body) for name, body in kept)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(_SIGNATURE)
    while True:
        if place + 12 > len(data):
            raise ValueError("it ends before its last chunk")
        (length,) = struct.unpack_from(">I", data, place)
        name, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        if data[place + 8 + length : place + 12 + length] != struct.pack(">I", zlib.crc32(name + body)):
            raise ValueError(f"the checksum of its chunk {name!r} is wrong")
        yield name, body
        if name == b"IEND":
            return
        place += 12 + length


def _checked(packed: bytes, header: bytes) -> bytes:
    """The packed pixels without what follows them, when they are as many as the header says."""
    rows = list(_rows(header))
    due = sum(count * length for count, length in rows)
    unpacking = zlib.decompressobj()
    raw = np.frombuffer(unpacking.decompress(packed, due + 1), dtype=np.uint8)
    if len(raw) != due:
        raise ValueError(f"its pixels are not the {due:,} bytes that its size needs")
    if not unpacking.eof and (unpacking.decompress(unpacking.unconsumed_tail, 1) or not unpacking.eof):
        raise ValueError("its pixels do not end where they should")
    place = 0
    for count, length in rows:
        if (raw[place : place + count * length : length] >= _FILTERS).any():
            raise ValueError("a row is filtered in an unknown way")
        place += count * length
    return packed[: len(packed) - len(unpacking.unused_data)]


def _rows(header: bytes) -> Iterator[tuple[int, int]]:
    """Number and bytes of the rows of each pass, the filter's byte included."""
    width, height = struct.unpack(">II", header[:8])
    for left, top, across, down in _PASSES if header[12] else ((0, 0, 1, 1),):
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            yield rows, 1 + columns * _CHANNELS[header[9]] * 2


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
