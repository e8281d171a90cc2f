"""The network of tiny autoencoders (Bohan, TAESD, github.com/madebyollin/taesd), with its variant for FLUX.2.

Plain 3x3 convolutions and residual blocks with ReLU; every second one halves or doubles the sides. At the coarsest
level the variant normalises over the whole image, by groups, in a branch of each block. Names of tensors are those of
the published files, under ``encoder.`` and ``decoder.``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

LIMIT = 3.0
"""The decoder presses latents into ±3, softly."""
GROUPS, EXPANSION = 4, 4


@dataclass(frozen=True, kw_only=True)
class TinyGeometry:
    """Sizes of a tiny autoencoder.

    Attributes:
        latent_channels: of a position.
        channels: width of every layer.
        blocks: residual blocks a level; the finest one has a single block.
        halvings: levels but one; the factor is ``2**halvings``.
        pooled: blocks of the coarsest level have the branch that sees the whole image.
    """

    latent_channels: int = 32
    channels: int = 64
    blocks: int = 3
    halvings: int = 3
    pooled: bool = True


class Block(nn.Module):
    """``relu(convolutions(y) + y)`` with ``y = x + pool(x)``, ``float [B,C,h,w]`` to the same."""

    def __init__(self, channels: int, *, pooled: bool) -> None:
        super().__init__()
        convolutions = [nn.Conv2d(channels, channels, 3, padding=1) for _ in range(3)]
        self.conv = nn.Sequential(convolutions[0], nn.ReLU(), convolutions[1], nn.ReLU(), convolutions[2])
        wide = EXPANSION * channels
        pool = (nn.Conv2d(channels, wide, 1, bias=False), nn.GroupNorm(GROUPS, wide), nn.ReLU())
        self.pool = nn.Sequential(*pool, nn.Conv2d(wide, channels, 1, bias=False)) if pooled else None

    def forward(self, x: Tensor) -> Tensor:
        """One residual step."""
        seen = x if self.pool is None else x + self.pool(x)
        return torch.relu(self.conv(seen) + seen)


class Press(nn.Module):
    """``3 tanh(z / 3)``."""

    def forward(self, latents: Tensor) -> Tensor:
        """Latents of any shape into ±3."""
        return torch.tanh(latents / LIMIT) * LIMIT


class TinyAutoencoder(nn.Module):
    """``encoder``: ``float [B,3,H,W]`` in [0, 1] to ``[B,C,H/f,W/f]``; ``decoder`` back."""

    def __init__(self, geometry: TinyGeometry) -> None:
        super().__init__()
        self.encoder, self.decoder = _encoder(geometry), _decoder(geometry)


def _encoder(geometry: TinyGeometry) -> nn.Sequential:
    width = geometry.channels
    layers: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1), Block(width, pooled=False)]
    for level in range(1, geometry.halvings + 1):
        pooled = geometry.pooled and level == geometry.halvings
        layers.append(nn.Conv2d(width, width, 3, stride=2, padding=1, bias=False))
        layers += [Block(width, pooled=pooled) for _ in range(geometry.blocks)]
    return nn.Sequential(*layers, nn.Conv2d(width, geometry.latent_channels, 3, padding=1))


def _decoder(geometry: TinyGeometry) -> nn.Sequential:
    width = geometry.channels
    layers: list[nn.Module] = [Press(), nn.Conv2d(geometry.latent_channels, width, 3, padding=1), nn.ReLU()]
    for level in reversed(range(1, geometry.halvings + 1)):
        pooled = geometry.pooled and level == geometry.halvings
        layers += [Block(width, pooled=pooled) for _ in range(geometry.blocks)]
        layers += [nn.Upsample(scale_factor=2), nn.Conv2d(width, width, 3, padding=1, bias=False)]
    return nn.Sequential(*layers, Block(width, pooled=False), nn.Conv2d(width, 3, 3, padding=1))
