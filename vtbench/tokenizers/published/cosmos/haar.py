"""The Haar transform of an image and back, applied to all of its bands again and again (Agarwal et al., 2501.03575).

A step halves the sides and makes four bands of every channel: means over two by two pixels, then what the lower row,
the right column and the diagonal differ by. Bands come before channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def to_bands(images: Tensor, steps: int) -> Tensor:
    """``[B,C,H,W]`` to ``[B,C*4**steps,H/2**steps,W/2**steps]``; sides are multiples of ``2**steps``."""
    for _ in range(steps):
        above, below = images[..., 0::2, :], images[..., 1::2, :]
        low, high = above + below, above - below
        bands = (
            low[..., 0::2] + low[..., 1::2],
            high[..., 0::2] + high[..., 1::2],
            low[..., 0::2] - low[..., 1::2],
            high[..., 0::2] - high[..., 1::2],
        )
        images = torch.cat(bands, dim=1) / 4
    return images


def to_images(bands: Tensor, steps: int) -> Tensor:
    """The way back from :func:`to_bands`."""
    for _ in range(steps):
        mean, rows, columns, diagonal = bands.chunk(4, dim=1)
        left = torch.stack((mean + rows, mean - rows), dim=-2)
        right = torch.stack((columns + diagonal, columns - diagonal), dim=-2)
        across = torch.stack((left + right, left - right), dim=-1)  # [B,C,H,2,W,2]
        bands = across.flatten(4, 5).flatten(2, 3)
    return bands
