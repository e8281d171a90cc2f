"""Images to examine a generator with that takes some: drawn, so that they are the same everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 128
"""Of a generator that states no native size: a multiple of what networks divide by."""


def drawn_images(roles: Sequence[str], size: int | None, which: int) -> dict[str, Tensor]:
    """An image a role, ``uint8 [3,size,size]``: two colour ramps with a square; of a mask the white square alone.

    Args:
        which: 0 or 1; the ramps run, and the square lies, the other way.
    """
    side = size or SIDE
    return {role: _mask(side, which) if role == "mask" else _picture(side, which) for role in roles}


def _picture(side: int, which: int) -> Tensor:
    import torch

    ramp = torch.linspace(0, 255, side).round().to(torch.uint8)
    ramp = ramp.flip(0) if which else ramp
    image = torch.stack([ramp.expand(side, side), ramp[:, None].expand(side, side), torch.full((side, side), 96)])
    image = image.to(torch.uint8)
    image[:, _square(side, which), _square(side, which)] = 230
    return image


def _mask(side: int, which: int) -> Tensor:
    import torch

    mask = torch.zeros(3, side, side, dtype=torch.uint8)
    mask[:, _square(side, which), _square(side, which)] = 255
    return mask


def _square(side: int, which: int) -> slice:
    """A third of the side, off the middle."""
    start = side // 2 if which else side // 8
    return slice(start, start + max(1, side // 3))
