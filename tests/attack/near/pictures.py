"""Pictures: PNG by chunks with right checksums, TIFF by entries, JPEG by segments, others by their bytes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from hypothesis import strategies as st

from near.plain import Draw, flawed

_SIDES = st.sampled_from((7, 7, 7, 7, 1, 0, 8, 300, 65_536, 2**31 - 1, 2**32 - 1))
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of a PNG, its checksum right."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


_NAMES = (
    *(
        b"tRNS",
        b"tRNS",
        b"PLTE",
        b"PLTE",
        b"gAMA",
        b"iCCP",
        b"eXIf",
        b"tEXt",
        b"zTXt",
        b"iTXt",
        b"acTL",
        b"fcTL",
        b"fdAT",
    ),
    *(b"IHDR", b"sBIT", b"cHRM", b"pHYs", b"bKGD", b"ABCD", b"abcd", b"IEND"),
)
_BODIES = (
    *(b"", bytes(3), bytes(768), bytes(771), b"\0\0\0\x01\0\0\0\0", b"II*\0\x08\0\0\0\xff\xff", b"k\0\0"),
    *(
        b"name\0\0" + zlib.compress(bytes(200_000)),
        b"name\0" + zlib.compress(b"x"),
        b"k\0\1\0\0\0" + zlib.compress(b"x"),
    ),
)
_BESIDE = st.tuples(st.sampled_from(_NAMES), st.sampled_from(_BODIES) | st.binary(max_size=30))


@st.composite
def png(draw: Draw, depths: Sequence[int] = (8, 8, 8, 1, 2, 4, 16, 3)) -> bytes:
    """A header, rows that fit it or are short or long, and chunks before and after them."""
    width, height = draw(_SIDES), draw(_SIDES)
    depth, colour = draw(st.sampled_from(depths)), draw(st.sampled_from((0, 2, 2, 3, 4, 6, 6, 7)))
    rest = draw(st.sampled_from(((0, 0, 0),) * 5 + ((0, 0, 1), (0, 0, 1), (1, 0, 0), (0, 9, 0), (0, 0, 2))))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, *rest))
    line = 1 + -(-min(width, 400) * depth * _CHANNELS.get(colour, 1) // 8)
    size = max(0, min(height, 400) * line + draw(st.sampled_from((0, 0, 0, -1, 1, -line, line, 500_000))))
    filters = draw(st.sampled_from((b"\0", b"\0", b"\1", b"\2", b"\3", b"\4", b"\x05", b"\xff")))
    packed = zlib.compress((filters + bytes(line - 1)) * (size // line) + bytes(size % line), 1)
    packed = draw(
        st.sampled_from((packed, packed, packed, packed[:-4], packed[:-5] + b"\0" * 5, packed + b"more", b""))
    )
    cut = draw(st.integers(0, len(packed)))
    rows = [chunk(b"IDAT", part) for part in draw(st.sampled_from(([packed], [packed[:cut], packed[cut:]], [])))]
    before, after = (draw(st.lists(_BESIDE.map(lambda found: chunk(*found)), max_size=2)) for _ in range(2))
    palette = [chunk(b"PLTE", bytes(range(48)))] if colour == 3 and draw(st.sampled_from((True, True, False))) else []
    parts = [header, *palette, *before, *rows, *after, *draw(st.sampled_from(([chunk(b"IEND", b"")],) * 3 + ([],)))]
    return draw(flawed(b"\x89PNG\r\n\x1a\n" + b"".join(parts), 1))


_TAGS = (256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 322, 323, 324, 325, 338, 339, 320, 274, 34665, 330, 65000)


@st.composite
def tiff(draw: Draw) -> bytes:
    """A directory whose entries fit one strip of samples, or say something else of it."""
    order = draw(st.sampled_from("<<<>"))
    samples = draw(st.sampled_from((1, 3, 3, 4)))
    size = 7 * 9 * samples
    good = {
        **{256: (4, 1, 7), 257: (4, 1, 9), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 2 if samples > 2 else 1)},
        **{273: (4, 1, 8), 277: (3, 1, samples), 278: (4, 1, 9), 279: (4, 1, size)},
    }
    for tag in draw(st.lists(st.sampled_from(_TAGS), max_size=3)):
        kind = draw(st.sampled_from((1, 2, 3, 3, 4, 4, 5, 7, 10, 11, 12, 13, 16, 0, 99)))
        count = draw(st.sampled_from((1, 1, 1, 3, 0, 2**31, 2**32 - 1)))
        value = draw(st.sampled_from((0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 32773, 34712, 50000, 50001, 2**31, 2**32 - 1)))
        good[tag] = (kind, count, value)
    for tag in draw(st.lists(st.sampled_from(sorted(good)), max_size=1)):
        del good[tag]
    entries = b"".join(
        struct.pack(f"{order}HHI", tag, kind, count)
        + (struct.pack(f"{order}HH", value & 0xFFFF, 0) if kind == 3 else struct.pack(f"{order}I", value))
        for tag, (kind, count, value) in sorted(good.items())
    )
    start = 8 + size
    following = draw(st.sampled_from((0, 0, 0, start, 8, 2**32 - 1)))
    directory = struct.pack(f"{order}H", len(good)) + entries + struct.pack(f"{order}I", following)
    head = (b"II" if order == "<" else b"MM") + struct.pack(
        f"{order}HI", draw(st.sampled_from((42, 42, 42, 43))), start
    )
    return draw(flawed(head + bytes(range(63)) * samples + directory, 1))


@st.composite
def jpeg(draw: Draw, seeds: Sequence[bytes]) -> bytes:
    """The segments of a valid file in another order, doubled, gone, or with bytes and lengths of their own changed."""
    parts = _segments(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(1, len(parts) - 1))
        action = draw(st.sampled_from(("bytes", "bytes", "gone", "doubled", "moved", "new")))
        if action == "bytes" and len(parts[place]) > 4:
            at = draw(st.integers(2, min(len(parts[place]) - 1, 40)))
            part = parts[place]
            parts[place] = (
                part[:at] + draw(st.sampled_from((b"\0", b"\xff", b"\x01", b"\x7f", b"\x80"))) + part[at + 1 :]
            )
        elif action == "gone":
            del parts[place]
        elif action == "doubled":
            parts.insert(place, parts[place])
        elif action == "moved":
            parts.append(parts.pop(place))
        else:
            marker = draw(
                st.sampled_from((0xC0, 0xC2, 0xC4, 0xC9, 0xDB, 0xDD, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE, 0xFE, 0xD0))
            )
            body = draw(
                st.one_of(
                    st.binary(max_size=20),
                    st.sampled_from((b"Exif\0\0II*\0\x08\0\0\0\x01", b"MPF\0II*\0", b"Adobe\0d\0\0\0\0\x02")),
                )
            )
            parts.insert(place, struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body)
        if len(parts) < 2:
            break
    return draw(flawed(b"".join(parts), 1))


def _segments(data: bytes) -> list[bytes]:
    """The start, each segment before the first scan, and all the rest."""
    parts, place = [data[:2]], 2
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] != 0xDA:
        (length,) = struct.unpack(">H", data[place + 2 : place + 4])
        parts.append(data[place : place + 2 + length])
        place += 2 + length
    return [*parts, data[place:]]


@st.composite
def others(draw: Draw, seeds: Sequence[bytes]) -> bytes:
    """A valid file in which the fields of its head are other numbers, and spans are changed."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 3))):
        width = draw(st.sampled_from((1, 2, 4, 8)))
        place = draw(st.integers(0, max(0, min(len(data), 200) - width)))
        value = draw(st.sampled_from((0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF))) & (256**width - 1)
        data = data[:place] + value.to_bytes(width, draw(st.sampled_from(("little", "big")))) + data[place + width :]
    return draw(flawed(data))
