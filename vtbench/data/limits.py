"""Bounds that keep one hostile or odd file from filling the memory."""

MAX_PIXELS = 178_956_970
"""Most pixels of a decoded or resized image: twice what Pillow warns of."""
MOST_FILE_BYTES = 8 * MAX_PIXELS
"""Most bytes of an image's file: 16 bits of four channels, stored plainly."""
MOST_FRAMES = 4096
"""Most frames of a clip."""
MOST_CLIP_PIXELS = MAX_PIXELS
"""Most pixels of a clip, all its frames together."""
_MOST_MEMORY = 900_000_000
_MOST_PER_BYTE = 32
_MEMORY = {"PNG": 9, "GIF": 9, "BMP": 9, "PPM": 9, "QOI": 9, "JPEG": 11, "MPO": 11, "WEBP": 17}
_OTHER_MEMORY = 25


def most_pixels(size: int, form: str | None, deep: bool = False) -> int:
    """Most pixels that a file of ``size`` bytes may decode to.

    A photograph has a pixel or three a byte, so 32 a byte are always admitted, up to :data:`MAX_PIXELS`. A file of one
    colour can claim 180 megapixels in 200 kB, and decoders need 9 to 25 bytes of memory for each: of such files, only
    as many are decoded as fit into 900 MB (100 megapixels of a PNG, 36 of JPEG 2000).

    Args:
        form: as Pillow calls the format.
        deep: PNG of 16-bit colour.
    """
    memory = _OTHER_MEMORY if deep else _MEMORY.get(form or "", _OTHER_MEMORY)
    return min(MAX_PIXELS, max(_MOST_MEMORY // memory, _MOST_PER_BYTE * size))
