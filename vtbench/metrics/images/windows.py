"""Separable windows over images, valid region: sums of shifted copies, the same bits for any batch and threads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@lru_cache(maxsize=8)
def gaussian_taps(width: int, sigma: float) -> tuple[float, ...]:
    """An odd number of samples of a Gaussian, centred, of sum 1."""
    centre = width // 2
    taps = [math.exp(-0.5 * ((i - centre) / sigma) ** 2) for i in range(width)]
    return tuple(tap / math.fsum(taps) for tap in taps)


def filtered(maps: Tensor, taps: Sequence[float], step: int = 1) -> Tensor:
    """Filter the last two dimensions of float64 maps with the same taps, valid region, every ``step``-th output kept.

    A sum of shifted copies: for eleven taps on a CPU several times faster than a convolution call. float64, because
    variances of bright flat regions are small differences of large numbers.
    """
    for dim in (-2, -1):
        length = maps.shape[dim] - len(taps) + 1
        first, *others = taps
        result = _every(maps.narrow(dim, 0, length), dim, step) * first
        for offset, tap in enumerate(others, start=1):
            result.add_(_every(maps.narrow(dim, offset, length), dim, step), alpha=tap)
        maps = result
    return maps


def _every(maps: Tensor, dim: int, step: int) -> Tensor:
    return maps[..., ::step, :] if dim == -2 else maps[..., ::step]
