"""Luma of 8-bit RGB by ITU-R BT.601, in the two ranges that are in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

LUMA_WEIGHTS = (299, 587, 114)
"""ITU-R BT.601 weights of R, G and B, in thousandths."""
STUDIO_BLACK = 16.0
STUDIO_GAIN = 219.0 / 255.0
"""From full range, 0 to 255, to the range of video, 16 to 235: 65.481, 128.553 and 24.966 of MATLAB's ``rgb2ycbcr`` and
of the super-resolution literature are 219 times the weights."""


def luma_thousandths(images: Tensor) -> Tensor:
    """Luma of ``uint8 [B,3,H,W]``, times 1000: ``int32 [B,H,W]`` in [0, 255000], exact."""
    import torch

    red, green, blue = images.to(torch.int32).unbind(1)
    return red * LUMA_WEIGHTS[0] + green * LUMA_WEIGHTS[1] + blue * LUMA_WEIGHTS[2]


def full_luma(images: Tensor) -> Tensor:
    """Luma of ``uint8 [B,3,H,W]``, not rounded: ``float64 [B,1,H,W]`` in [0, 255]."""
    return luma_thousandths(images)[:, None].double() / 1000.0


def studio_luma(images: Tensor) -> Tensor:
    """Y of YCbCr, 16 + (65.481 R + 128.553 G + 24.966 B) / 255, not rounded: ``float64 [B,1,H,W]`` in [16, 235]."""
    return full_luma(images) * STUDIO_GAIN + STUDIO_BLACK


def without_border(images: Tensor, border: int) -> Tensor:
    """``[B,C,H,W]`` without ``border`` rows and columns at each edge; without pixels where nothing is left."""
    height, width = images.shape[-2:]
    return images[..., border : max(border, height - border), border : max(border, width - border)]
