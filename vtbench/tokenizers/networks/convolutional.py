"""Layers of the convolutional autoencoders that descend from VQGAN (Esser et al., Taming Transformers, 2012.09841).

Families differ in widths, in where attention stands, and in names; the arithmetic of these layers is the same in all.
All take and return ``float [B,C,H,W]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


def group_norm(channels: int, groups: int = 32, eps: float = 1e-6) -> nn.GroupNorm:
    """GroupNorm with VQGAN's defaults; with fewer channels than groups, one channel a group."""
    return nn.GroupNorm(min(groups, channels), channels, eps=eps)


class ResidualBlock(nn.Module):
    """Norm, SiLU, 3x3 convolution, twice, beside a shortcut that is 1x1 where the width changes.

    Names: ``norm1``, ``conv1``, ``norm2``, ``conv2``, ``nin_shortcut``.

    Args:
        inputs: channels in.
        outputs: channels out; those in where ``None``.
        bias: whether the convolutions (the shortcut too) have one.
        eps: of the norms.
    """

    def __init__(self, inputs: int, outputs: int | None = None, *, bias: bool = True, eps: float = 1e-6) -> None:
        super().__init__()
        outputs = inputs if outputs is None else outputs
        self.norm1 = group_norm(inputs, eps=eps)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)
        self.norm2 = group_norm(outputs, eps=eps)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=bias)
        if inputs != outputs:
            self.nin_shortcut = nn.Conv2d(inputs, outputs, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.conv1(F.silu(self.norm1(x)))
        hidden = self.conv2(F.silu(self.norm2(hidden)))
        output: Tensor = hidden + (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x)
        return output


class SpatialAttention(nn.Module):
    """Self-attention of one head over all positions, added to its input.

    Names: ``norm``, then ``qkv`` (one 1x1 convolution) or ``q``, ``k``, ``v`` (three), then ``proj_out``.
    """

    def __init__(self, channels: int, *, fused: bool = False) -> None:
        super().__init__()
        self.norm = group_norm(channels)
        if fused:
            self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        else:
            self.q, self.k, self.v = (nn.Conv2d(channels, channels, 1) for _ in range(3))
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm(x)
        maps = (
            self.qkv(normed).chunk(3, dim=1)
            if hasattr(self, "qkv")
            else (self.q(normed), self.k(normed), self.v(normed))
        )
        query, key, value = (part.flatten(2).transpose(1, 2) for part in maps)
        attended = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(x.shape)
        output: Tensor = self.proj_out(attended)
        return x + output


class Downsample(nn.Module):
    """Halve the sides by a strided 3x3 convolution, padded on the right and at the bottom alone. Name: ``conv``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.conv(F.pad(x, (0, 1, 0, 1)))
        return output


class Upsample(nn.Module):
    """Double the sides by repetition, then a 3x3 convolution. Name: ``conv``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return output
