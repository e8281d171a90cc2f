"""Residual quantisation over scales (Tian et al., Visual Autoregressive Modeling, 2404.02905, algorithms 1 and 2).

The coarsest scale comes first; each later one quantises what those before it leave, as coarse as it is itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch.nn.functional as F
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

KEPT = 0.5
"""Share of the input that a smoothing convolution passes on unchanged."""


class Smoothing(nn.Module):
    """A few 3x3 convolutions that the scales share, each scale the one whose tick is nearest. Name: ``qresi_ls``."""

    def __init__(self, channels: int, count: int) -> None:
        super().__init__()
        self.qresi_ls = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(count))
        margin = 1 / (3 if count == 4 else 2) / count
        # One scale of ten lies exactly between two ticks: the rounding of this very expression decides for it.
        self._ticks = np.linspace(margin, 1 - margin, count)

    def forward(self, x: Tensor, position: float) -> Tensor:
        """``position`` of the scale among all, from 0 to 1."""
        nearest = int(np.abs(self._ticks - position).argmin())
        output: Tensor = x * (1 - KEPT) + self.qresi_ls[nearest](x) * KEPT
        return output


class ResidualScales(nn.Module):
    """One scale after another; what a code is, a subclass says. Name: ``quant_resi.qresi_ls``, if any.

    Args:
        channels: of the latents.
        scales: sides of the token maps, the last one's being those of the latents; at least two.
        smoothings: convolutions that the scales share; 0 for none.
    """

    def __init__(self, channels: int, scales: Sequence[int], smoothings: int) -> None:
        super().__init__()
        if smoothings:
            self.quant_resi = Smoothing(channels, smoothings)
        self.scales = tuple(scales)

    def codes(self, latents: Tensor) -> Tensor:
        """``float32 [B,C,s,s]`` to the codes of a scale, ``[B,s,s,…]``."""
        raise NotImplementedError

    def entries(self, codes: Tensor) -> Tensor:
        """Codes to what they stand for, ``[B,C,s,s]``."""
        raise NotImplementedError

    def encode(self, latents: Tensor) -> tuple[Tensor, ...]:
        """``[B,C,h,w]`` of the last scale's sides to the codes of each scale, in float32."""
        rest, found = latents.float(), []
        for index, side in enumerate(self.scales):
            last = index == len(self.scales) - 1
            small = rest if last else F.interpolate(rest, size=(side, side), mode="area")
            found.append(self.codes(small))
            rest = rest - self.contribution(found[-1], index).float()
        return tuple(found)

    def decode(self, levels: Sequence[Tensor]) -> Tensor:
        """Codes of each scale to the sum of the contributions of all, ``[B,C,h,w]``."""
        parts = [self.contribution(codes, index) for index, codes in enumerate(levels)]
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total

    def contribution(self, codes: Tensor, index: int) -> Tensor:
        """What one scale adds, at the sides of the last one."""
        last, entries = len(self.scales) - 1, self.entries(codes)
        if index < last:
            entries = F.interpolate(entries, size=(self.scales[-1],) * 2, mode="bicubic")
        if not hasattr(self, "quant_resi"):
            return entries
        output: Tensor = self.quant_resi(entries.contiguous(), index / last)
        return output
