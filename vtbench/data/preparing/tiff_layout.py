"""What a TIFF that Pillow does not know holds, in words: float colour, above all."""

from __future__ import annotations

import io
import warnings

from PIL import TiffImagePlugin

_MAGIC = (b"II*\x00", b"MM\x00*")
_SAMPLE_FORMATS = {1: "whole-number", 2: "signed whole-number", 3: "float", 5: "complex", 6: "complex"}
_WIDTH, _BITS, _CHANNELS, _FORMAT = 256, 258, 277, 339
_COMMON_BITS = (1, 2, 4, 8, 16)


def unread_tiff(data: bytes) -> str | None:
    """``a TIFF of 3 float channels of 32 bits …``: why it is not read, and what to do; ``None`` for other files."""
    if not data.startswith(_MAGIC):
        return None
    try:
        bits, kind, channels = _layout(data)
    except Exception:  # noqa: BLE001 - a damaged directory makes Pillow raise almost anything
        return None
    if kind == 1 and bits in _COMMON_BITS:
        return None
    told = f"a TIFF of {channels} {_SAMPLE_FORMATS.get(kind, 'unknown')} channels of {bits} bits is not read"
    return f"{told}: write 8 or 16 bits a channel" + (", as uint8 of round(255 * value)" if kind == 3 else "")


def _layout(data: bytes) -> tuple[int, int, int]:
    """Bits and kind of a channel, and how many there are."""
    directory = TiffImagePlugin.ImageFileDirectory_v2(data[:8])
    stream = io.BytesIO(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stream.seek(directory.next)
        directory.load(stream)
        _ = directory[_WIDTH]
        bits, kind = directory.get(_BITS, (1,))[0], directory.get(_FORMAT, (1,))[0]
        return int(bits), int(kind), int(directory.get(_CHANNELS, 1))
