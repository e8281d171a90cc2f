"""BSQ-ViT's encoder and decoder (Zhao et al., Image and Video Tokenization with BSQ, 2406.07548, section 4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from vtbench.networks.vision_transformer import Block

if TYPE_CHECKING:
    from torch import Tensor


class Tower(nn.Module):
    """Names: ``positional_embedding``, ``ln_pre``, ``transformer.resblocks``, ``ln_post``."""

    def __init__(self, tokens: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.randn(tokens, width) * 0.02)
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = nn.ModuleDict({"resblocks": nn.Sequential(*(Block(width, heads) for _ in range(layers)))})
        self.ln_post = nn.LayerNorm(width)

    def run(self, x: Tensor) -> Tensor:
        """``[B,N,width]`` to the same."""
        output: Tensor = self.ln_post(self.transformer["resblocks"](self.ln_pre(x + self.positional_embedding)))
        return output


class Encoder(Tower):
    """Pixels ``[B,3,H,W]`` to ``[B,N,width]``. Names: also ``conv1``, a matrix."""

    def __init__(self, patch: int, tokens: int, width: int, layers: int, heads: int) -> None:
        super().__init__(tokens, width, layers, heads)
        self.conv1 = nn.Linear(3 * patch**2, width, bias=False)
        self._patch = patch

    def forward(self, images: Tensor) -> Tensor:
        return self.run(self.conv1(F.unfold(images, self._patch, stride=self._patch).transpose(1, 2)))


class Decoder(Tower):
    """``[B,N,width]`` to pixels ``[B,3,H,W]``. Names: also ``ffn.0`` and ``conv_out``, matrices."""

    def __init__(self, patch: int, tokens: int, width: int, layers: int, heads: int, hidden: int) -> None:
        super().__init__(tokens, width, layers, heads)
        self.ffn = nn.Sequential(nn.Linear(width, hidden), nn.Tanh())
        self.conv_out = nn.Linear(hidden, 3 * patch**2)
        self._patch, self._side = patch, patch * round(tokens**0.5)

    def forward(self, x: Tensor) -> Tensor:
        patches = self.conv_out(self.ffn(self.run(x))).transpose(1, 2)
        return F.fold(patches, (self._side, self._side), self._patch, stride=self._patch)


class Network(nn.Module):
    """Names: ``encoder``, ``quant_embed``, ``post_quant_embed``, ``decoder``."""

    def __init__(self, bits: int, size: int, patch: int, width: int, layers: int, heads: int, hidden: int) -> None:
        super().__init__()
        tokens = (size // patch) ** 2
        self.encoder = Encoder(patch, tokens, width, layers, heads)
        self.decoder = Decoder(patch, tokens, width, layers, heads, hidden)
        self.quant_embed = nn.Linear(width, bits)
        self.post_quant_embed = nn.Linear(bits, width)
