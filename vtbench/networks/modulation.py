"""What transformers of diffusion and flow models share: a plain norm, its modulation, and waves of the time.

Source: Peebles and Xie, Scalable Diffusion Models with Transformers, 2212.09748.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from torch import Tensor

WAVELENGTH = 10_000.0
EPS = 1e-6


def norm(x: Tensor) -> Tensor:
    """Mean 0 and variance 1 over the channels, without weights."""
    return F.layer_norm(x, x.shape[-1:], eps=EPS)


def modulated(x: Tensor, shift: Tensor | float, scale: Tensor | float) -> Tensor:
    """The norm of ``x``, scaled by one and ``scale``, and shifted."""
    return (1 + scale) * norm(x) + shift


def waves(time: Tensor, channels: int) -> Tensor:
    """Cosines, then sines, of times ``[…]`` in thousandths, ``float32 […,channels]``."""
    half = channels // 2
    rates = torch.exp(-math.log(WAVELENGTH) * torch.arange(half, dtype=torch.float32, device=time.device) / half)
    angles = (1000.0 * time)[..., None].float() * rates
    return torch.cat((angles.cos(), angles.sin()), dim=-1)
