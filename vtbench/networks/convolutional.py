"""Layers of the convolutional autoencoders that descend from VQGAN (Esser et al., Taming Transformers, 2012.09841).

Families differ in widths, in where attention stands, and in names; the arithmetic of these layers is the same in all.
All take and return ``float [B,C,H,W]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
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


class Level(nn.Module):
    """Blocks of one resolution, attention after each where asked for.

    Names: ``block``, ``attn``, then ``downsample`` or ``upsample``, which whoever builds the level may set.
    """

    def __init__(self, inputs: int, outputs: int, blocks: int, *, attention: bool = False, fused: bool = False) -> None:
        super().__init__()
        self.block = nn.ModuleList(ResidualBlock(outputs if index else inputs, outputs) for index in range(blocks))
        self.attn = nn.ModuleList(SpatialAttention(outputs, fused=fused) for _ in range(blocks if attention else 0))

    def forward(self, x: Tensor) -> Tensor:
        for index, block in enumerate(self.block):
            x = self.attn[index](block(x)) if len(self.attn) else block(x)
        for name in ("downsample", "upsample"):
            if hasattr(self, name):
                x = getattr(self, name)(x)
        return x


class Middle(nn.Module):
    """Block, attention where asked for, block, at the coarsest resolution.

    Names: ``block_1``, ``attn_1``, ``block_2``.
    """

    def __init__(self, channels: int, *, attention: bool = True, fused: bool = False) -> None:
        super().__init__()
        self.block_1 = ResidualBlock(channels)
        if attention:
            self.attn_1 = SpatialAttention(channels, fused=fused)
        self.block_2 = ResidualBlock(channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.block_1(x)
        output: Tensor = self.block_2(self.attn_1(x) if hasattr(self, "attn_1") else x)
        return output


class Encoder(nn.Module):
    """Pixels ``[B,3,H,W]`` to latents ``[B,C,H/f,W/f]``, attention at the coarsest level and in the middle.

    Args:
        channels: width of the finest level.
        multipliers: width of each level as a multiple; each but the last halves the sides.
        latents: channels out.
        blocks: residual blocks a level.
        attention: whether there is any.
        fused: query, key and value from one convolution.
    """

    def __init__(
        self,
        channels: int,
        multipliers: Sequence[int],
        latents: int,
        blocks: int = 2,
        *,
        attention: bool = True,
        fused: bool = False,
    ) -> None:
        super().__init__()
        widths = [channels, *(channels * multiplier for multiplier in multipliers)]
        last = len(multipliers) - 1
        self.conv_in = nn.Conv2d(3, channels, 3, padding=1)
        self.down = nn.ModuleList()
        for index, (inputs, outputs) in enumerate(pairwise(widths)):
            level = Level(inputs, outputs, blocks, attention=attention and index == last, fused=fused)
            if index < last:
                level.downsample = Downsample(outputs)
            self.down.append(level)
        self.mid = Middle(widths[-1], attention=attention, fused=fused)
        self.norm_out = group_norm(widths[-1])
        self.conv_out = nn.Conv2d(widths[-1], latents, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_in(x)
        for level in self.down:
            x = level(x)
        output: Tensor = self.conv_out(F.silu(self.norm_out(self.mid(x))))
        return output


class Decoder(nn.Module):
    """The mirror of :class:`Encoder`, with one block more a level; arguments as there."""

    def __init__(
        self,
        channels: int,
        multipliers: Sequence[int],
        latents: int,
        blocks: int = 2,
        *,
        attention: bool = True,
        fused: bool = False,
    ) -> None:
        super().__init__()
        widths = [*(channels * multiplier for multiplier in multipliers), channels * multipliers[-1]]
        last = len(multipliers) - 1
        self.conv_in = nn.Conv2d(latents, widths[-1], 3, padding=1)
        self.mid = Middle(widths[-1], attention=attention, fused=fused)
        self.up = nn.ModuleList()
        for index, (outputs, inputs) in enumerate(pairwise(widths)):
            level = Level(inputs, outputs, blocks + 1, attention=attention and index == last, fused=fused)
            if index > 0:
                level.upsample = Upsample(outputs)
            self.up.append(level)
        self.norm_out = group_norm(widths[0])
        self.conv_out = nn.Conv2d(widths[0], 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.mid(self.conv_in(x))
        for level in reversed(self.up):
            x = level(x)
        output: Tensor = self.conv_out(F.silu(self.norm_out(x)))
        return output
