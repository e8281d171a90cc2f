"""Readers of pictures, a format each."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_mutation import _chunk, damaged_bytes, damaged_png
from fuzz_reader import PIXELS, Reader, can, picture, saved


def picture_readers() -> dict[str, Reader]:
    from vtbench.data.decode import FORMATS, decode_image
    from vtbench.data.sources.vtbench_folder import _size
    from vtbench.results.records.previews import open_preview

    large = np.kron(PIXELS[0], np.ones((5, 5, 1), np.uint8))

    def encoded(form: str) -> list[bytes]:
        modes = {"GIF": ("P", "L"), "PPM": ("RGB", "L"), "JPEG": ("RGB", "L", "CMYK"), "MPO": ("RGB",)}
        kinds = modes.get(form, ("RGB", "RGBA"))
        return [saved(lambda s, kind=kind: picture(large).convert(kind).save(s, form)) for kind in kinds]

    def read(path: Path) -> object:
        _size(path)
        return decode_image(path)

    available = [form for form in FORMATS if can(lambda form=form: encoded(form))]
    found = {
        form: Reader("i", lambda _, form=form: encoded(form), read, damaged_png if form == "PNG" else damaged_bytes)
        for form in available
    }
    deep = _deep_png(large)
    webp = [saved(lambda s: picture(large).save(s, "WEBP", lossless=True))]
    found["preview"] = Reader("00000000-a.webp", lambda _: webp, open_preview)
    return {**found, "PNG of 16 bits": Reader("i.png", lambda _: [deep], read, damaged_png), **_written()}


def _written() -> dict[str, Reader]:
    """What a language model may write instead of a file, and the table of what its tokens stand for."""
    from vtbench.core.errors import SampleError
    from vtbench.generators.published.next_token.jpeg_lm.pieces import read_pieces, text_of
    from vtbench.generators.published.next_token.jpeg_lm.stream import CanonicalJpeg, stream_of

    codec = CanonicalJpeg()

    def read(path: Path) -> object:
        try:
            return codec.decoded(stream_of(text_of(path.read_bytes())))
        except ValueError as error:  # a failure of that sample
            raise SampleError(str(error)) from error

    entries = [text_of(bytes([byte])).encode() for byte in range(256)]
    table = b"".join(b"\x0a\x0a\x0a\x03" + entry + b"\x15\0\0\0\0" for entry in entries)
    return {
        "stream of JPEG-LM": Reader("stream", lambda _: [codec._blank], read),
        "pieces of SentencePiece": Reader("tokenizer.model", lambda _: [table], read_pieces),
    }


def _deep_png(pixels: Any) -> bytes:
    height, width = pixels.shape[:2]
    lines = (pixels.astype(">u2") * 257).reshape(height, -1)
    body = b"".join(b"\0" + line.tobytes() for line in lines)
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + _chunk(b"IDAT", zlib.compress(body)) + _chunk(b"IEND", b"")
