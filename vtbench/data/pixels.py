"""Between the three forms of an 8-bit picture: ``uint8 [3,H,W]`` tensor, ``[H,W,3]`` array, Pillow image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor


def from_array(pixels: np.ndarray[Any, Any]) -> Tensor:
    """``uint8 [H,W,3]`` array to a contiguous ``[3,H,W]`` tensor that shares no memory with it."""
    import torch

    return torch.from_numpy(np.array(pixels.transpose(2, 0, 1), dtype=np.uint8, order="C"))


def from_pillow(image: Image.Image) -> Tensor:
    """RGB Pillow image to ``uint8 [3,H,W]``."""
    return from_array(np.asarray(image))


def to_pillow(image: Tensor) -> Image.Image:
    """``uint8 [3,H,W]`` to an RGB Pillow image."""
    return Image.fromarray(np.ascontiguousarray(image.numpy().transpose(1, 2, 0)))
