"""Encoded image bytes to ``uint8 [3,H,W]`` RGB, by stated rules.

===================================  ==================================================================================
stored as                            becomes
===================================  ==================================================================================
RGB, 8 bits                          as stored
gray: ``1``, ``L``, 8 bits           the gray value three times; ``1`` is 0 or 255
palette                              the palette's colours
alpha: LA, PA, RGBA, ``tRNS`` keys   composited over **white**: ``round((c*a + 255*(255-a)) / 255)``. White is what a
                                     page shows behind a picture; over black, dark print on clear would vanish
16 bits: PNG, and gray of any kind   ``round(v / 257)``, each channel, before compositing (8-bit content stored in 16
                                     bits comes back exactly)
16-bit colour in other formats       the high byte, as Pillow reads it: at most one level from ``round(v / 257)``
``I`` (32-bit integer)               taken as 16 bits; values outside [0, 65535] are refused
``F`` (float)                        [0, 1] to ``round(255 v)``; values outside, or NaN, are refused
CMYK                                 ``(255-C) * (255-K) / 255`` and so on; Adobe's inverted JPEGs are turned back first
YCbCr                                JFIF (BT.601, full range)
===================================  ==================================================================================

The EXIF orientation is applied (an unreadable or unknown one counts as upright). Of several frames the first is taken.
A file of a few kB that would fill the memory is refused (:func:`~vtbench.data.limits.most_pixels`).
ICC profiles, gamma chunks and HDR gain maps are ignored: tokenizers are trained on raw code values.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError
from torch import Tensor

from vtbench.core.errors import SampleError
from vtbench.core.outside.parsing import read_bytes, reason
from vtbench.data.limits import MOST_FILE_BYTES, most_pixels
from vtbench.data.pixels import from_array
from vtbench.data.preparing.deep_png import is_deep_colour_png, read_deep_png
from vtbench.data.preparing.tiff_layout import unread_tiff

Array = np.ndarray[Any, Any]

# Formats are named, not sniffed among all that Pillow knows: EPS would start Ghostscript, and TGA and PCX have no
# signature, so that rubbish could pass for a picture.
FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "AVIF", "TIFF", "GIF", "BMP", "PPM", "JPEG2000", "QOI")
EXTENSIONS = frozenset(
    {
        *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".avif", ".tif", ".tiff", ".gif"),
        *(
            ".bmp",
            ".dib",
            ".ppm",
            ".pgm",
            ".pbm",
            ".pnm",
            ".pfm",
            ".jp2",
            ".j2k",
            ".jpf",
            ".jpx",
            ".jpc",
            ".j2c",
            ".qoi",
        ),
    }
)
_ORIENTATION_TAG = 0x0112
_UPRIGHT_BY: dict[int, Callable[[Array], Array]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, 3),
    7: lambda pixels: pixels.swapaxes(0, 1)[::-1, ::-1],
    8: np.rot90,
}
_BAND_PIXELS = 1 << 20


def decode_image(source: bytes | Path, name: str | None = None) -> Tensor:
    """Decode a file or its bytes to ``uint8 [3,H,W]`` RGB by the rules of this module.

    Args:
        source: a path, or the encoded bytes.
        name: how messages call the image; the path unless given.

    Raises:
        SampleError: unreadable, empty, truncated, corrupt, too large, or not an image; names the image and the reason.
    """
    name = name or (str(source) if isinstance(source, Path) else "image")
    try:
        data = read_bytes(source, MOST_FILE_BYTES) if isinstance(source, Path) else source
    except (OSError, ValueError, MemoryError) as error:
        raise SampleError(f"{name}: cannot be read: {reason(error)}") from error
    if not data:
        raise SampleError(f"{name}: the file is empty")
    try:
        return from_array(_decode(data))
    except UnidentifiedImageError as error:
        if (layout := unread_tiff(data)) is not None:
            raise SampleError(f"{name}: {layout}") from error
        raise SampleError(f"{name}: not an image that can be read ({', '.join(FORMATS)})") from error
    except Exception as error:  # Pillow's decoders raise almost anything on damaged files
        raise SampleError(f"{name}: {reason(error)}") from error


def from_pillow(image: Image.Image) -> Tensor:
    """A Pillow image in memory as ``uint8 [3,H,W]``, by the same rules; 16-bit colour is narrowed by Pillow.

    Raises:
        SampleError: empty, truncated, or values without a stated range.
    """
    try:
        with _strict_pillow():
            image.load()
            upright, pixels = _upright(image), _by_bands(image)
    except Exception as error:  # Pillow's decoders raise almost anything on damaged files
        raise SampleError(f"a Pillow image ({image.mode}, {image.size}): {reason(error)}") from error
    return from_array(pixels if upright is None else upright(pixels))


def _decode(data: bytes) -> Array:
    pixels, upright, transparent = _loaded(data)
    if pixels is None:
        pixels = _over_white(read_deep_png(data, transparent))
    return pixels if upright is None else upright(pixels)


def _loaded(data: bytes) -> tuple[Array | None, Callable[[Array], Array] | None, object]:
    """The pixels as stored (``None`` for those that Pillow narrows), what turns them upright, and a clear colour.

    Pillow's own copy of the picture is let go on return.
    """
    with _strict_pillow(), Image.open(io.BytesIO(data), formats=_formats()) as image:
        width, height = image.size
        if width < 1 or height < 1:
            raise ValueError(f"the image has no pixels ({width}x{height})")
        deep = image.format == "PNG" and is_deep_colour_png(data)
        # Told by the header: a few kB can claim 2**32 pixels.
        if width * height > (most := most_pixels(len(data), image.format, deep)):
            raise ValueError(f"{width}x{height} pixels are more than the {most:,} that are decoded of such a file")
        # Loaded first: TIFF is turned upright while loading, and PNG may keep its EXIF behind the pixels.
        image.load()
        return None if deep else _by_bands(image), _upright(image), image.info.get("transparency")


def _by_bands(image: Image.Image) -> Array:
    """``uint8 [H,W,3]``, converted some rows at a time: what that needs beside is never as large as the whole."""
    width, height = image.size
    pixels = np.empty((height, width, 3), dtype=np.uint8)
    for top, bottom in _bands(height, width):
        pixels[top:bottom] = _to_rgb(image.crop((0, top, width, bottom)) if bottom - top < height else image)
    return pixels


def _bands(height: int, width: int) -> Iterator[tuple[int, int]]:
    rows = max(1, _BAND_PIXELS // width)
    for top in range(0, height, rows):
        yield top, min(top + rows, height)


def _to_rgb(image: Image.Image) -> Array:
    """``uint8 [H,W,3]``."""
    mode = image.mode
    if mode.startswith("I"):
        return _deep_gray(np.asarray(image), image.info.get("transparency"))
    if mode == "F":
        return _float_gray(np.asarray(image))
    if mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        return _over_white(np.asarray(image.convert("RGBA")))
    return np.asarray(image.convert("RGB"))


def _deep_gray(values: Array, transparent: object) -> Array:
    if values.min() < 0 or values.max() > 65535:
        raise ValueError(f"integer pixels in [{values.min()}, {values.max()}] have no stated range; 16 bits are read")
    gray = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if isinstance(transparent, int):
        gray = np.where(values == transparent, np.uint8(255), gray)
    return np.repeat(gray[..., None], 3, axis=2)


def _float_gray(values: Array) -> Array:
    if not (np.isfinite(values).all() and values.min() >= 0.0 and values.max() <= 1.0):
        raise ValueError("float pixels must lie in [0, 1]; convert the image to 8 or 16 bits")
    gray = np.rint(values.astype(np.float64) * 255.0).astype(np.uint8)
    return np.repeat(gray[..., None], 3, axis=2)


def _over_white(rgba: Array) -> Array:
    """``uint8 [H,W,4]`` (or opaque ``[H,W,3]``) to ``[H,W,3]``, rounded to nearest."""
    if rgba.shape[2] == 3:
        return rgba
    pixels = np.empty((*rgba.shape[:2], 3), dtype=np.uint8)
    for top, bottom in _bands(*rgba.shape[:2]):
        colour, alpha = rgba[top:bottom, :, :3].astype(np.uint32), rgba[top:bottom, :, 3:].astype(np.uint32)
        pixels[top:bottom] = (colour * alpha + 255 * (255 - alpha) + 127) // 255
    return pixels


def _upright(image: Image.Image) -> Callable[[Array], Array] | None:
    try:
        return _UPRIGHT_BY.get(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # noqa: BLE001 - damaged metadata must not cost the picture
        return None


def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


@contextmanager
def _strict_pillow() -> Iterator[None]:
    """Truncated files are errors even if some library has told Pillow to fill them with gray; warnings are silent."""
    tolerant, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = tolerant
