"""VTP's two transformers (Yao et al., Towards Scalable Pre-training of Visual Tokenizers, 2512.13687), as DINOv3's.

Positions are rotations of queries and keys by coordinates in [-1, 1], whatever the size of the image (Siméoni et al.,
DINOv3, 2508.10104, section 3.2). They are computed and applied in bfloat16, as the published networks were trained.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from vtbench.networks.decoder_transformer import RmsNorm
from vtbench.networks.vision_transformer import FusedAttention, Trunk

if TYPE_CHECKING:
    from torch import Tensor

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's colours in [0, 1]."""
BASE = 100.0
TURNED_IN = torch.bfloat16


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Sizes of a VTP.

    Attributes:
        encoder: of the transformer that sees pixels; four times its heads divide its width.
        decoder: of the one that sees latents, likewise.
        channels: of the latents.
        patch: side of a patch, in pixels.
    """

    encoder: Trunk
    decoder: Trunk
    channels: int
    patch: int


class Gated(nn.Module):
    """SwiGLU of four times the width, by two thirds, to a multiple of eight: ``w3(silu(w1 x) · w2 x)``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = -(-int(4 * width * 2 / 3) // 8) * 8
        self.w1, self.w2, self.w3 = nn.Linear(width, hidden), nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.w3(F.silu(self.w1(x)) * self.w2(x))
        return output


class Block(nn.Module):
    """Attention and a gated perceptron, each after a norm and beside a shortcut.

    Names: ``norm1``, ``attn``, ``norm2``, ``mlp``.
    """

    def __init__(self, trunk: Trunk, norm1: nn.Module, norm2: nn.Module) -> None:
        super().__init__()
        self.norm1, self.norm2 = norm1, norm2
        self.attn = FusedAttention(trunk.width, trunk.heads, bias=True)
        self.mlp = Gated(trunk.width)

    def forward(self, x: Tensor, angles: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x), partial(turned, angles=angles))
        output: Tensor = x + self.mlp(self.norm2(x))
        return output


class Encoder(nn.Module):
    """Images ``[B,3,H,W]`` to latents ``[B,C,h,w]``; a class token stands before the patches.

    Names: ``patch_embed.proj``, ``cls_token``, ``blocks``, ``norm``, ``feature_bottleneck``.
    """

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self.trunk, width = geometry.encoder, geometry.encoder.width
        projection = nn.Conv2d(3, width, geometry.patch, stride=geometry.patch)
        self.patch_embed = nn.ModuleDict({"proj": projection})
        self.cls_token = nn.Parameter(0.02 * torch.randn(1, 1, width))
        norms = [RmsNorm(width) for _ in range(2 * self.trunk.layers)]
        self.blocks = nn.ModuleList(Block(self.trunk, *pair) for pair in zip(norms[::2], norms[1::2], strict=True))
        self.norm = RmsNorm(width)
        self.feature_bottleneck = nn.Linear(width, geometry.channels, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        patches = self.patch_embed["proj"](images)
        x = torch.cat((self.cls_token.expand(len(images), -1, -1), patches.flatten(2).transpose(1, 2)), dim=1)
        turns = angles_of(patches.shape[-2], patches.shape[-1], self.trunk, images.device)
        for block in self.blocks:
            x = block(x, turns)
        latents: Tensor = self.feature_bottleneck(self.norm(x)[:, 1:]).transpose(1, 2)
        return latents.reshape(len(images), -1, *patches.shape[-2:])


class Decoder(nn.Module):
    """Latents ``[B,C,h,w]`` to images ``[B,3,H,W]``. Names: ``proj_in``, ``blocks``, ``norm``, ``proj_out``."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self.trunk, width = geometry.decoder, geometry.decoder.width
        self.proj_in = nn.Conv2d(geometry.channels, width, 1)
        norms = [nn.LayerNorm(width, eps=1e-6) for _ in range(2 * self.trunk.layers)]
        self.blocks = nn.ModuleList(Block(self.trunk, *pair) for pair in zip(norms[::2], norms[1::2], strict=True))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.proj_out = nn.Conv2d(width, 3 * geometry.patch**2, 1)
        self.pixel_shuffle = nn.PixelShuffle(geometry.patch)

    def forward(self, latents: Tensor) -> Tensor:
        grid = latents.shape[-2:]
        x = self.proj_in(latents).flatten(2).transpose(1, 2)
        turns = angles_of(grid[0], grid[1], self.trunk, latents.device)
        for block in self.blocks:
            x = block(x, turns)
        output: Tensor = self.pixel_shuffle(self.proj_out(self.norm(x).transpose(1, 2).unflatten(2, grid)))
        return output


class Network(nn.Module):
    """Names: ``trunk``, ``pixel_decoder``."""

    mean: Tensor
    std: Tensor

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self.trunk, self.pixel_decoder = Encoder(geometry), Decoder(geometry)
        for name, colours in (("mean", MEAN), ("std", STD)):
            self.register_buffer(name, torch.tensor(colours).view(3, 1, 1), persistent=False)

    def encode(self, images: Tensor) -> Tensor:
        """Images in [0, 1] to latents."""
        latents: Tensor = self.trunk((images - self.mean) / self.std)
        return latents

    def decode(self, latents: Tensor) -> Tensor:
        """Latents to images in [0, 1]; may leave it."""
        images: Tensor = self.pixel_decoder(latents)
        return images * self.std + self.mean


def angles_of(rows: int, columns: int, trunk: Trunk, device: torch.device) -> Tensor:
    """What every pair of channels is turned by at each place: ``bfloat16 [rows*columns, width of a head]``.

    The first quarter turns by the row, the second by the column, with equal frequencies; the other half repeats both.
    """
    quarter = trunk.width // trunk.heads // 4
    steps = 2 * torch.arange(quarter, dtype=TURNED_IN, device=device) / (2 * quarter)
    sides = (torch.arange(0.5, side, dtype=TURNED_IN, device=device) / side for side in (rows, columns))
    places = 2.0 * torch.stack(torch.meshgrid(*sides, indexing="ij"), dim=-1).flatten(0, 1) - 1.0
    return (2 * math.pi * places[:, :, None] / BASE**steps).flatten(1).tile(2)


def turned(x: Tensor, angles: Tensor) -> Tensor:
    """Turn queries or keys ``[B,heads,N,d]`` of the last places; those before them, as a class token, are only
    rounded.

    Channel i and channel i + d/2 are a pair.
    """
    first, rest = torch.split(x.to(TURNED_IN), [x.shape[-2] - len(angles), len(angles)], dim=-2)
    low, high = rest.chunk(2, dim=-1)
    moved = rest * angles.cos() + torch.cat((-high, low), dim=-1) * angles.sin()
    return torch.cat((first, moved), dim=-2).type_as(x)
