"""Cosmos' convolutional autoencoder over Haar bands (Agarwal et al., Cosmos World Foundation Model, 2501.03575).

Attention stands in the middle alone: the side at which the published configuration would put more, 32, is one that no
level has.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import nn

from vtbench.networks.convolutional import Downsample, Level, Middle, Upsample, group_norm
from vtbench.tokenizers.published.cosmos.haar import to_bands, to_images

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Sizes of a Cosmos tokenizer; see the adapter for what they mean.

    Attributes:
        channels: width of the first convolution.
        multipliers: width of each level as a multiple.
        blocks: residual blocks a level; the decoder has one more.
        steps: of the Haar transform, each halving the sides.
        halvings: levels that halve them again.
        inner: channels between the convolutions and the 1x1 ones beside the code.
        latents: channels of the code.
    """

    channels: int
    multipliers: tuple[int, ...]
    blocks: int
    steps: int
    halvings: int
    inner: int
    latents: int

    @property
    def bands(self) -> int:
        """Channels of the transformed image."""
        return 3 << 2 * self.steps

    @property
    def widths(self) -> tuple[int, ...]:
        """Of each level, the finest first."""
        return tuple(self.channels * multiplier for multiplier in self.multipliers)


class Encoder(nn.Module):
    """Images ``[B,3,H,W]`` to ``[B,inner,h,w]``. Names: ``conv_in``, ``down``, ``mid``, ``norm_out``, ``conv_out``."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self._steps = geometry.steps
        self.conv_in = nn.Conv2d(geometry.bands, geometry.channels, 3, padding=1)
        self.down = nn.ModuleList()
        for index, (inputs, outputs) in enumerate(pairwise((geometry.channels, *geometry.widths))):
            level = Level(inputs, outputs, geometry.blocks)
            if index < geometry.halvings:
                level.downsample = Downsample(outputs)
            self.down.append(level)
        self.mid = Middle(geometry.widths[-1])
        self.norm_out = group_norm(geometry.widths[-1])
        self.conv_out = nn.Conv2d(geometry.widths[-1], geometry.inner, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        x = self.conv_in(to_bands(images, self._steps))
        for level in self.down:
            x = level(x)
        output: Tensor = self.conv_out(F.silu(self.norm_out(self.mid(x))))
        return output


class Decoder(nn.Module):
    """The mirror of :class:`Encoder`. Names: ``conv_in``, ``mid``, ``up``, ``norm_out``, ``conv_out``."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self._steps = geometry.steps
        widths, last = geometry.widths, len(geometry.widths) - 1
        self.conv_in = nn.Conv2d(geometry.inner, widths[-1], 3, padding=1)
        self.mid = Middle(widths[-1])
        self.up = nn.ModuleList()
        for index, (outputs, inputs) in enumerate(pairwise((*widths, widths[-1]))):
            level = Level(inputs, outputs, geometry.blocks + 1)
            if index > last - geometry.halvings:
                level.upsample = Upsample(outputs)
            self.up.append(level)
        self.norm_out = group_norm(widths[0])
        self.conv_out = nn.Conv2d(widths[0], geometry.bands, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.mid(self.conv_in(x))
        for level in reversed(self.up):
            x = level(x)
        return to_images(self.conv_out(F.silu(self.norm_out(x))), self._steps)


class Network(nn.Module):
    """Names: ``encoder``, ``quant_conv``, ``post_quant_conv``, ``decoder``."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(geometry), Decoder(geometry)
        self.quant_conv = nn.Conv2d(geometry.inner, geometry.latents, 1)
        self.post_quant_conv = nn.Conv2d(geometry.latents, geometry.inner, 1)

    def encode(self, images: Tensor) -> Tensor:
        """Images to latents ``[B,latents,h,w]``, not yet quantised."""
        output: Tensor = self.quant_conv(self.encoder(images))
        return output

    def decode(self, latents: Tensor) -> Tensor:
        """Latents to images."""
        output: Tensor = self.decoder(self.post_quant_conv(latents))
        return output
