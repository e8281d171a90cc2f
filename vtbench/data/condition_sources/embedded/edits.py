"""Masks and edits of photographs that follow from a seed: what is edited is known, and nothing else changes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

Shape = Literal["rectangle", "ellipse"]
Edit = Literal["recolour", "blur", "paste"]
SHAPES: tuple[Shape, ...] = ("rectangle", "ellipse")
EDITS: tuple[Edit, ...] = ("recolour", "blur", "paste")
_SHARES = (0.25, 0.6)
"""Of a side of the image, the least and the most that a mask spans."""
_BLUR = 13


@dataclass(frozen=True)
class Region:
    """A rectangle, or the ellipse in it: rows ``top`` to ``bottom``, columns ``left`` to ``right``, ends left out."""

    shape: Shape
    top: int
    bottom: int
    left: int
    right: int


def drawn_region(shape: Shape, side: int, seed: str) -> Region:
    """A region inside a square image, clear of its border; sides are drawn by themselves."""
    draw = random.Random(f"region/{seed}")
    height, width = (round(side * draw.uniform(*_SHARES)) for _ in range(2))
    top, left = (draw.randint(1, side - 1 - span) for span in (height, width))
    return Region(shape, top, top + height, left, left + width)


def mask_of(region: Region, side: int) -> Tensor:
    """``uint8 [3,side,side]``: 255 in the region, 0 elsewhere."""
    import torch

    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    inside = (rows >= region.top) & (rows < region.bottom) & (columns >= region.left) & (columns < region.right)
    if region.shape == "ellipse":
        # centres of pixels against the ellipse, in whole numbers: 4 (r - c)² of twice the half axes
        height, width = region.bottom - region.top, region.right - region.left
        down = 2 * rows + 1 - region.top - region.bottom
        across = 2 * columns + 1 - region.left - region.right
        inside &= (down * width).square() + (across * height).square() <= (height * width) ** 2
    return inside.to(torch.uint8).mul(255).expand(3, side, side).clone()


def edited_image(image: Tensor, other: Tensor, mask: Tensor, edit: Edit) -> Tensor:
    """``uint8 [3,H,W]`` with the part under the mask edited, and every other pixel as it was.

    Args:
        image: that is edited.
        other: of the same size, of which ``paste`` takes the part.
        mask: white where it is edited.
        edit: ``recolour`` passes channels on, red to green to blue; ``blur`` averages 13×13 pixels.
    """
    import torch

    changed = {"recolour": _recoloured, "blur": _blurred}[edit](image) if edit != "paste" else other
    return torch.where(mask >= 128, changed, image)


def _recoloured(image: Tensor) -> Tensor:
    return image.roll(1, dims=0)


def _blurred(image: Tensor) -> Tensor:
    import torch
    import torch.nn.functional as F

    sums = F.avg_pool2d(image.double()[None], _BLUR, 1, _BLUR // 2, count_include_pad=False)[0]
    return sums.round().to(torch.uint8)
