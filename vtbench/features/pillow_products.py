"""Pillow's antialiased bicubic on any device: one product with its coefficients along rows, one along columns.

Pillow sums a row in float64 and keeps what comes out as float32, first across, then down (``libImaging/Resample.c``,
mode ``F``). Products in float64, rounded at the same two places, differ from it by the order of a sum alone.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_SUPPORT = 2.0
_SHARPNESS = -0.5
_CHUNK_VALUES = 1 << 25
"""Most values at once: a quarter of a GiB in float64."""


def resized_by_products(images: Tensor, size: int) -> Tensor:
    """``[B,C,H,W]`` to ``float32 [B,C,size,size]`` on the same device: within one unit in the last place of what
    Pillow makes of each plane in mode ``F``."""
    height, width = images.shape[-2:]
    across, down = (_on(side, size, images.device) for side in (width, height))
    images_at_once = max(1, _CHUNK_VALUES // max(1, images.shape[1] * height * max(width, size)))
    parts = []
    for part in torch.split(images, images_at_once):
        rows = (part.double() @ across.mT).float()
        parts.append((down @ rows.double()).float())
    return torch.cat(parts)


@lru_cache(maxsize=64)
def bicubic_weights(side: int, size: int) -> NDArray[np.float64]:
    """What each of ``side`` values counts in each of ``size``, ``float64 [size,side]``; every row adds up to 1.

    The filter is Keys' with a = -0.5, as wide as two values of the coarser grid, cut where the picture ends.
    """
    scale = side / size
    stretch = max(scale, 1.0)
    found = np.zeros((size, side))
    for row in range(size):
        center = (row + 0.5) * scale
        first = max(0, int(center - _SUPPORT * stretch + 0.5))
        last = min(side, int(center + _SUPPORT * stretch + 0.5))
        weights = _keys((np.arange(first, last, dtype=np.float64) - center + 0.5) / stretch)
        found[row, first:last] = weights / weights.sum()
    found.setflags(write=False)
    return found


@lru_cache(maxsize=64)
def _on(side: int, size: int, device: torch.device) -> Tensor:
    """The weights there; sent once."""
    with torch.inference_mode(False):  # a matrix made in inference mode would serve in nothing else
        return torch.tensor(bicubic_weights(side, size), device=device)


def _keys(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys, Cubic convolution interpolation for digital image processing, 1981, equation 15 with a = -0.5."""
    a, x = _SHARPNESS, np.abs(x)
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    far = (((x - 5.0) * x + 8.0) * x - 4.0) * a
    return np.where(x < 1.0, near, np.where(x < _SUPPORT, far, 0.0))
