"""BSQ-ViT's encoder and decoder (Zhao et al., Image and Video Tokenization with BSQ, 2406.07548, section 4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from vtbench.networks.vision_transformer import Block

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.tokenizers.published.bsq_vit.geometry import Geometry


class Tower(nn.Module):
    """Names: ``positional_embedding``, ``ln_pre``, ``transformer.resblocks``, ``ln_post``."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        width = geometry.width
        blocks = (Block(width, geometry.heads) for _ in range(geometry.layers))
        self.positional_embedding = nn.Parameter(torch.randn(geometry.grid**2, width) * 0.02)
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = nn.ModuleDict({"resblocks": nn.Sequential(*blocks)})
        self.ln_post = nn.LayerNorm(width)

    def run(self, x: Tensor) -> Tensor:
        """``[B,N,width]`` to the same."""
        output: Tensor = self.ln_post(self.transformer["resblocks"](self.ln_pre(x + self.positional_embedding)))
        return output


class Encoder(Tower):
    """Pixels ``[B,3,H,W]`` to ``[B,N,width]``. Names: also ``conv1``, a matrix."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__(geometry)
        self.conv1 = nn.Linear(3 * geometry.patch**2, geometry.width, bias=False)
        self._patch = geometry.patch

    def forward(self, images: Tensor) -> Tensor:
        return self.run(self.conv1(F.unfold(images, self._patch, stride=self._patch).transpose(1, 2)))


class Decoder(Tower):
    """``[B,N,width]`` to pixels ``[B,3,H,W]``. Names: also ``ffn.0`` and ``conv_out``, matrices."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__(geometry)
        self.ffn = nn.Sequential(nn.Linear(geometry.width, geometry.hidden), nn.Tanh())
        self.conv_out = nn.Linear(geometry.hidden, 3 * geometry.patch**2)
        self._patch, self._side = geometry.patch, geometry.patch * geometry.grid

    def forward(self, x: Tensor) -> Tensor:
        patches = self.conv_out(self.ffn(self.run(x))).transpose(1, 2)
        return F.fold(patches, (self._side, self._side), self._patch, stride=self._patch)


class Network(nn.Module):
    """Names: ``encoder``, ``quant_embed``, ``post_quant_embed``, ``decoder``."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(geometry), Decoder(geometry)
        self.quant_embed = nn.Linear(geometry.width, geometry.bits)
        self.post_quant_embed = nn.Linear(geometry.bits, geometry.width)
