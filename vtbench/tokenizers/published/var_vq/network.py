"""VAR's multi-scale residual VQ-VAE (Tian et al., Visual Autoregressive Modeling, 2404.02905, algorithms 1 and 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch.nn.functional as F
from torch import nn

from vtbench.networks.convolutional import Decoder, Encoder
from vtbench.networks.nearest import nearest_codes

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


class Quantiser(nn.Module):
    """Residual quantisation, one scale after another, all with one codebook.

    Names: ``embedding``, ``quant_resi.qresi_ls``.
    """

    def __init__(self, entries: int, channels: int, scales: Sequence[int], smoothings: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(entries, channels)
        self.quant_resi = Smoothing(channels, smoothings)
        self.scales = tuple(scales)

    def encode(self, latents: Tensor) -> tuple[Tensor, ...]:
        """``[B,C,h,w]`` of the last scale's sides to indices ``int64 [B,s,s]`` a scale, in float32."""
        rest, found = latents.float(), []
        for index, side in enumerate(self.scales):
            last = index == len(self.scales) - 1
            small = rest if last else F.interpolate(rest, size=(side, side), mode="area")
            found.append(nearest_codes(small, self.embedding.weight))
            rest = rest - self.contribution(found[-1], index).float()
        return tuple(found)

    def decode(self, levels: Sequence[Tensor]) -> Tensor:
        """Indices to the sum of the contributions of all scales, ``[B,C,h,w]``."""
        parts = [self.contribution(indices, index) for index, indices in enumerate(levels)]
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total

    def contribution(self, indices: Tensor, index: int) -> Tensor:
        """What one scale adds, at the sides of the last one."""
        last, entries = len(self.scales) - 1, self.embedding(indices).movedim(-1, 1)
        if index < last:
            entries = F.interpolate(entries, size=(self.scales[-1],) * 2, mode="bicubic")
        output: Tensor = self.quant_resi(entries.contiguous(), index / last)
        return output


class Network(nn.Module):
    """Names: ``encoder``, ``quant_conv``, ``quantize``, ``post_quant_conv``, ``decoder``."""

    def __init__(
        self,
        channels: int,
        multipliers: Sequence[int],
        entries: int,
        latents: int,
        scales: Sequence[int],
        smoothings: int,
    ) -> None:
        super().__init__()
        self.encoder = Encoder(channels, multipliers, latents, fused=True)
        self.decoder = Decoder(channels, multipliers, latents, fused=True)
        self.quantize = Quantiser(entries, latents, scales, smoothings)
        self.quant_conv = nn.Conv2d(latents, latents, 3, padding=1)
        self.post_quant_conv = nn.Conv2d(latents, latents, 3, padding=1)
