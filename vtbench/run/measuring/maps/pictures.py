"""Pictures of maps: a prediction beside the truth, in colours that mean the same in both."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_MOST_HIGH, _GAP = 200, 4
Array = NDArray[Any]


def map_picture(prediction: Array, reference: Array, of: str) -> Image.Image:
    """Both maps side by side, RGB, at most 200 pixels high.

    Args:
        prediction: labels ``[H,W]``, depths ``[H,W]`` or normals ``[H,W,3]``.
        reference: of the same shape.
        of: ``segmentation``, ``depth`` or ``normals``.
    """
    step = max(1, -(-reference.shape[0] // _MOST_HIGH))
    maps = [one[::step, ::step] for one in (prediction, reference)]
    coloured = _labels(maps) if of == "segmentation" else _depths(maps) if of == "depth" else _normals(maps)
    gap = np.full((coloured[0].shape[0], _GAP, 3), 255, dtype=np.uint8)
    return Image.fromarray(np.concatenate([coloured[0], gap, coloured[1]], axis=1))


def _labels(maps: list[Array]) -> list[NDArray[np.uint8]]:
    """A colour a class, turned by the golden angle; black for none."""
    turns = np.arange(255) * 0.618034 % 1.0
    colours = [Image.new("HSV", (1, 1), (int(255 * turn), 150, 225)).convert("RGB").getpixel((0, 0)) for turn in turns]
    palette = np.array([*colours, (0, 0, 0)], dtype=np.uint8)
    return [palette[np.clip(one, 0, 255).astype(np.int64)] for one in maps]


def _depths(maps: list[Array]) -> list[NDArray[np.uint8]]:
    """Near is bright, by the logarithm, over the middle 96 per cent of the truth."""
    valid = maps[1][np.isfinite(maps[1]) & (maps[1] > 0)]
    low, high = np.log(np.percentile(valid, (2, 98))) if valid.size else (0.0, 1.0)
    found = []
    for one in maps:
        logs = np.log(np.where(np.isfinite(one) & (one > 0), one, np.exp(high)))
        grey = 255 - np.clip((logs - low) / max(high - low, 1e-9), 0, 1) * 215
        found.append(np.repeat(grey.astype(np.uint8)[..., None], 3, axis=-1))
    return found


def _normals(maps: list[Array]) -> list[NDArray[np.uint8]]:
    sizes = [np.linalg.norm(one, axis=-1, keepdims=True) for one in maps]
    units = [np.nan_to_num(one / np.where(size > 0, size, 1.0)) for one, size in zip(maps, sizes, strict=True)]
    return [np.clip((one + 1) * 127.5, 0, 255).astype(np.uint8) for one in units]
