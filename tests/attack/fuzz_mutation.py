"""Seeded damage: of bytes anywhere, of a format's own fields behind right checksums, and of text by its grammar."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable

_TOKENS = (
    *("null", "true", "NaN", "Infinity", "-1", "1e999", "1e-999", "0x7fffffff", "9" * 5000, "18446744073709551616"),
    *("[" * 3000, '{"a":' * 3000, "- " * 2000, "[]", "{}", '""', '"', "'", ",", ",,,,", "\n", "\r", "\0", "\t"),
    *("&a [*a]", "*a", "<<: *a", "!!python/object/apply:os.system [true]", "!!binary x", "? [1]\n: 2", "---", "\u2028"),
    *('"\\ud800"', '"\\u0000"', "\ufeff", "x" * 140_000, "=1+1", "\x1b[2J", "../../etc", "inf", "é", "2024-99-99"),
)
_SIZES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def damaged_bytes(data: bytes, draw: random.Random) -> bytes:
    """One to three of: flipped bits, a cut, insertions, repeats, swaps, fields of a size overwritten."""
    result = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        draw.choice((_flip, _flip, _cut, _insert, _repeat, _swap, _size, _size))(result, draw)
    return bytes(result)


def damaged_text(data: bytes, draw: random.Random) -> bytes:
    """A token of the grammar put in, taken out, or in another's place; sometimes damage of the bytes."""
    if draw.random() < 0.3:
        return damaged_bytes(data, draw)
    text = data.decode()
    for _ in range(draw.choice((1, 1, 2, 4))):
        start = draw.randrange(len(text) + 1)
        stop = min(len(text), start + draw.choice((0, 0, 1, 5, 40)))
        text = text[:start] + draw.choice(_TOKENS) + text[stop:]
    return text.encode()


def damaged_zip(data: bytes, draw: random.Random) -> bytes:
    """Members damaged, then packed anew: their checksums are right."""
    if draw.random() < 0.4:
        return damaged_bytes(data, draw)
    target = io.BytesIO()
    method = draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(target, "w", method) as packed:
        members = source.infolist()
        hit = draw.choice(members)
        for member in members:
            content = source.read(member)
            packed.writestr(member.filename, _inside(content, draw) if member is hit else content)
    return target.getvalue()


def damaged_tensors(data: bytes, draw: random.Random) -> bytes:
    """The JSON header of safetensors damaged, its length right."""
    if draw.random() < 0.4:
        return damaged_bytes(data, draw)
    (length,) = struct.unpack("<Q", data[:8])
    header = _digits(data[8 : 8 + length], draw) if draw.random() < 0.6 else damaged_text(data[8 : 8 + length], draw)
    return struct.pack("<Q", len(header)) + header + data[8 + length :]


def damaged_png(data: bytes, draw: random.Random) -> bytes:
    """A chunk damaged, its checksum right."""
    if draw.random() < 0.5:
        return damaged_bytes(data, draw)
    chunks, place = [], 8
    while place + 12 <= len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += 12 + length
    hit = draw.randrange(len(chunks))
    kind, body = chunks[hit]
    chunks[hit] = (kind, damaged_bytes(body, draw))
    if draw.random() < 0.3:
        chunks.insert(draw.randrange(len(chunks)), draw.choice(chunks))
    return data[:8] + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _inside(content: bytes, draw: random.Random) -> bytes:
    head = content[:128]
    changed = _digits(head, draw) if draw.random() < 0.5 else damaged_bytes(head, draw)
    return changed + content[128:] if draw.random() < 0.8 else damaged_bytes(content, draw)


def _digits(data: bytes, draw: random.Random) -> bytes:
    """Another number of as many digits, so that what stands behind it stays in its place; or a longer one."""
    places = [index for index, byte in enumerate(data) if 48 <= byte <= 57]
    if not places:
        return damaged_bytes(data, draw)
    place, new = draw.choice(places), draw.choice((b"9", b"0", b"1", b"-", b"99999999"))
    return data[:place] + new + data[place + 1 :]


def _flip(data: bytearray, draw: random.Random) -> None:
    near = draw.random() < 0.5  # half of them in the first bytes, where headers are
    for _ in range(draw.choice((1, 2, 8))):
        if data:
            data[draw.randrange(min(len(data), 128) if near else len(data))] ^= 1 << draw.randrange(8)


def _cut(data: bytearray, draw: random.Random) -> None:
    start = draw.randrange(len(data) + 1)
    del data[start : len(data) if draw.random() < 0.5 else start + draw.choice((1, 4, 100))]


def _insert(data: bytearray, draw: random.Random) -> None:
    start = draw.randrange(len(data) + 1)
    data[start:start] = draw.choice((draw.randbytes(draw.choice((1, 4, 64))), bytes(64), b"\xff" * 16))


def _repeat(data: bytearray, draw: random.Random) -> None:
    start = draw.randrange(len(data) + 1)
    data[start:start] = data[start : start + draw.choice((4, 64, 1000))]


def _swap(data: bytearray, draw: random.Random) -> None:
    size = draw.choice((4, 16, 128))
    if len(data) > 2 * size:
        one, other = sorted(draw.sample(range(len(data) - size), 2))
        data[one : one + size], data[other : other + size] = data[other : other + size], data[one : one + size]


def _size(data: bytearray, draw: random.Random) -> None:
    width = draw.choice((1, 2, 4, 8))
    if len(data) > width:
        start = draw.randrange(min(len(data), 256) if draw.random() < 0.6 else len(data))
        value = draw.choice(_SIZES) & (256**width - 1)
        data[start : start + width] = value.to_bytes(width, draw.choice(("little", "big")))


Damage = Callable[[bytes, random.Random], bytes]
__all__ = ["Damage", "damaged_bytes", "damaged_png", "damaged_tensors", "damaged_text", "damaged_zip"]
