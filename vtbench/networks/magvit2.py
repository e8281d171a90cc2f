"""Open-MAGVIT2's convolutional autoencoder (Luo et al., Open-MAGVIT2, 2409.04410; after Yu et al., 2310.05737)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from vtbench.networks.convolutional import ResidualBlock, group_norm

if TYPE_CHECKING:
    from torch import Tensor

EPSILON = 1e-6


class Level(nn.Module):
    """Residual blocks without biases. Names: ``block``, then ``downsample`` or ``upsample``."""

    def __init__(self, inputs: int, outputs: int, blocks: int) -> None:
        super().__init__()
        widths = [inputs] + [outputs] * blocks
        self.block = nn.ModuleList(ResidualBlock(a, b, bias=False) for a, b in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        for block in self.block:
            x = block(x)
        for name in ("downsample", "upsample"):
            if hasattr(self, name):
                x = getattr(self, name)(x)
        return x


class Upsampler(nn.Module):
    """Double the sides by moving channels into space, the place being the slow part of their index. Name: ``conv1``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 4 * channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        places = self.conv1(x).reshape(batch, 2, 2, channels, height, width)
        output: Tensor = places.permute(0, 3, 4, 1, 5, 2).reshape(batch, channels, 2 * height, 2 * width)
        return output


class AdaptiveNorm(nn.Module):
    """GroupNorm with gain and offset from the code's spread and mean over the image. Names: ``gamma``, ``beta``."""

    def __init__(self, latents: int, channels: int) -> None:
        super().__init__()
        self.gn = nn.GroupNorm(min(32, channels), channels, eps=EPSILON, affine=False)
        self.gamma = nn.Linear(latents, channels)
        self.beta = nn.Linear(latents, channels)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        flat = code.flatten(2)
        gain = self.gamma((flat.var(dim=-1) + EPSILON).sqrt())[:, :, None, None]
        offset = self.beta(flat.mean(dim=-1))[:, :, None, None]
        output: Tensor = gain * self.gn(x) + offset
        return output


class Encoder(nn.Module):
    """Pixels to latents. Names: ``conv_in``, ``down``, ``mid_block``, ``norm_out``, ``conv_out``."""

    def __init__(self, channels: int, multipliers: Sequence[int], latents: int, blocks: int) -> None:
        super().__init__()
        widths = [channels, *(channels * multiplier for multiplier in multipliers)]
        self.conv_in = nn.Conv2d(3, channels, 3, padding=1, bias=False)
        self.down = nn.ModuleList(Level(a, b, blocks) for a, b in pairwise(widths))
        for level, width in zip(self.down[:-1], widths[1:], strict=False):
            level.downsample = nn.Conv2d(width, width, 3, stride=2, padding=1)
        self.mid_block = nn.ModuleList(ResidualBlock(widths[-1], bias=False) for _ in range(blocks))
        self.norm_out = group_norm(widths[-1])
        self.conv_out = nn.Conv2d(widths[-1], latents, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_in(x)
        for layer in (*self.down, *self.mid_block):
            x = layer(x)
        output: Tensor = self.conv_out(F.silu(self.norm_out(x)))
        return output


class Decoder(nn.Module):
    """Signs to pixels. Names: ``conv_in``, ``mid_block``, ``adaptive``, ``up``, ``norm_out``, ``conv_out``.

    Args:
        channels: width of the finest level.
        multipliers: width of each level as a multiple.
        latents: channels of the code.
        blocks: residual blocks a level.
        noise: channels of noise that stand beside the code; the norms see the code alone.
    """

    def __init__(self, channels: int, multipliers: Sequence[int], latents: int, blocks: int, *, noise: int = 0) -> None:
        super().__init__()
        widths = [*(channels * multiplier for multiplier in multipliers), channels * multipliers[-1]]
        self.conv_in = nn.Conv2d(latents + noise, widths[-1], 3, padding=1)
        self.mid_block = nn.ModuleList(ResidualBlock(widths[-1], bias=False) for _ in range(blocks))
        self.up = nn.ModuleList(Level(b, a, blocks) for a, b in pairwise(widths))
        for level, width in zip(self.up[1:], widths[1:], strict=False):
            level.upsample = Upsampler(width)
        self.adaptive = nn.ModuleList(AdaptiveNorm(latents, width) for width in widths[1:])
        self.norm_out = group_norm(widths[0])
        self.conv_out = nn.Conv2d(widths[0], 3, 3, padding=1)

    def forward(self, code: Tensor, noise: Tensor | None = None) -> Tensor:
        x = self.conv_in(code if noise is None else torch.cat((code, noise), dim=1))
        for block in self.mid_block:
            x = block(x)
        for adaptive, level in zip(reversed(self.adaptive), reversed(self.up), strict=True):
            x = level(adaptive(x, code))
        output: Tensor = self.conv_out(F.silu(self.norm_out(x)))
        return output


class Network(nn.Module):
    """Names: ``encoder``, ``decoder``; arguments as of :class:`Decoder`."""

    def __init__(self, channels: int, multipliers: Sequence[int], latents: int, blocks: int, *, noise: int = 0) -> None:
        super().__init__()
        self.encoder = Encoder(channels, multipliers, latents, blocks)
        self.decoder = Decoder(channels, multipliers, latents, blocks, noise=noise)
