"""Map files to arrays, by stated rules; nothing is resized, converted by colour or rounded."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vtbench.core.errors import SampleError
from vtbench.core.outside.npy_arrays import read_npy
from vtbench.core.outside.parsing import boundary, read_bytes
from vtbench.data.limits import MOST_FILE_BYTES, most_pixels

Array = NDArray[Any]
_GREY = ("L", "P", "I", "I;16", "I;16B", "1")


def read_labels(path: Path, name: str, classes: int, ignore: int) -> NDArray[np.int64]:
    """Class indices ``[H,W]``: of a palette PNG its indices, not its colours.

    Raises:
        SampleError: no such map, or a value that is neither a class nor ``ignore``.
    """
    labels = _array(path, name)
    if labels.ndim != 2 or labels.dtype.kind not in "iub":
        raise SampleError(f"{name} is {labels.dtype} {list(labels.shape)}: a map of labels is integers [H,W]")
    whole = labels.astype(np.int64)
    strange = np.unique(whole[((whole < 0) | (whole >= classes)) & (whole != ignore)])
    if len(strange):
        told = ", ".join(map(str, strange[:4].tolist()))
        raise SampleError(f"{name} holds {told}: labels are 0 to {classes - 1}, and {ignore} for none (train ids)")
    return whole


def read_depth(path: Path, name: str, png_scale: float) -> NDArray[np.float64]:
    """Depths ``[H,W]``: values of a ``.npy`` as they are, of a PNG of 8 or 16 bits divided by ``png_scale``.

    Raises:
        SampleError: no such map.
    """
    depth = _array(path, name)
    if depth.ndim != 2 or depth.dtype.kind not in "fiu":
        raise SampleError(f"{name} is {depth.dtype} {list(depth.shape)}: a map of depths is numbers [H,W]")
    return depth.astype(np.float64) / (png_scale if path.suffix.lower() == ".png" else 1.0)


def read_normals(path: Path, name: str) -> NDArray[np.float64]:
    """Normals ``[H,W,3]``, of any length: of a ``.npy`` as they are, of a PNG of RGB ``2 v / 255 - 1``.

    Raises:
        SampleError: no such map.
    """
    normals = _array(path, name)
    if normals.ndim != 3 or normals.shape[2] != 3 or normals.dtype.kind not in "fiu":
        raise SampleError(f"{name} is {normals.dtype} {list(normals.shape)}: a map of normals is numbers [H,W,3]")
    found = normals.astype(np.float64)
    return found * (2.0 / 255.0) - 1.0 if path.suffix.lower() == ".png" else found


def _array(path: Path, name: str) -> Array:
    if path.suffix.lower() == ".npy":
        return read_npy(path, name, SampleError)
    with boundary(f"{name} cannot be read", kind=SampleError):
        data = read_bytes(path, MOST_FILE_BYTES)
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            if image.width * image.height > most_pixels(len(data), "PNG"):
                raise ValueError(f"{image.width}x{image.height} of {len(data):,} bytes is too large")
            if image.mode not in (*_GREY, "RGB"):
                raise ValueError(f"a PNG of mode {image.mode}: grey, palette or RGB is read")
            return np.asarray(image)
