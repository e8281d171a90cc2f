"""The networks that tell TokenFlow what an image means: CLIP's and SigLIP's, with the names of its published files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn

from vtbench.networks.vision_transformer import Block, SiglipLayer

if TYPE_CHECKING:
    from torch import Tensor

NUDGE = 0.1
"""Added to the sides of a resampled grid, as the published code does; it shifts every place a little."""


class QuickGelu(nn.Module):
    """``x · sigmoid(1.702 x)`` (Hendrycks and Gimpel, Gaussian Error Linear Units, 1606.08415, section 2)."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


class QuickBlock(Block):
    """CLIP's block as it was trained."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__(width, heads)
        self.mlp.gelu = QuickGelu()


class Clip(nn.Module):
    """CLIP's transformer up to its last norm (Radford et al., 2103.00020), whose places are resampled to the image.

    Names: ``conv1``, ``class_embedding``, ``positional_embedding``, ``ln_pre``, ``transformer.resblocks``, ``ln_post``.

    Args:
        size: width, layers and heads; the width of the perceptron is four times the width.
        patch: side of a patch.
        positions: side of the grid of learnt places.
    """

    def __init__(self, size: tuple[int, int, int, int], patch: int, positions: int) -> None:
        super().__init__()
        width, layers, heads, _ = size
        self.conv1 = nn.Conv2d(3, width, patch, stride=patch, bias=False)
        self.class_embedding = nn.Parameter(width**-0.5 * torch.randn(width))
        self.positional_embedding = nn.Parameter(width**-0.5 * torch.randn(1 + positions**2, width))
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        blocks = nn.Sequential(*(QuickBlock(width, heads) for _ in range(layers)))
        self.transformer = nn.ModuleDict({"resblocks": blocks})
        self._positions = positions

    def forward(self, images: Tensor) -> Tensor:
        """``[B,3,H,W]`` to ``[B,P,width]``."""
        patches = self.conv1(images)
        first = self.class_embedding.expand(len(images), 1, -1)
        x = torch.cat((first, patches.flatten(2).transpose(1, 2)), dim=1) + self._places(patches.shape[-1])
        output: Tensor = self.ln_post(self.transformer["resblocks"](self.ln_pre(x)))
        return output[:, 1:]

    def _places(self, side: int) -> Tensor:
        places: Tensor = self.positional_embedding
        if side == self._positions:
            return places
        square = places[1:].T.reshape(1, -1, self._positions, self._positions)
        scale = ((side + NUDGE) / self._positions,) * 2
        resampled = F.interpolate(square, scale_factor=scale, mode="bicubic").flatten(2)[0].T
        return torch.cat((places[:1], resampled))


class Siglip(nn.Module):
    """SigLIP's transformer without its last layer (Zhai et al., 2303.15343).

    Names: ``vision_model.embeddings.{patch_embedding,position_embedding}``, ``vision_model.encoder.layers``.

    Args:
        size: width, layers, heads and width of the perceptron.
        patch: side of a patch.
        positions: side of the grid of patches.
    """

    def __init__(self, size: tuple[int, int, int, int], patch: int, positions: int) -> None:
        super().__init__()
        width, count, heads, hidden = size
        layers = nn.ModuleList(SiglipLayer(width, heads, hidden) for _ in range(count))
        embeddings = {
            "patch_embedding": nn.Conv2d(3, width, patch, stride=patch),
            "position_embedding": nn.Embedding(positions**2, width),
        }
        parts = {"embeddings": nn.ModuleDict(embeddings), "encoder": nn.ModuleDict({"layers": layers})}
        self.vision_model: Any = nn.ModuleDict(parts)

    def forward(self, images: Tensor) -> Tensor:
        """``[B,3,H,W]`` in [-1, 1] to ``[B,P,width]``."""
        embeddings = self.vision_model["embeddings"]
        patches = embeddings["patch_embedding"](images.clamp(-1, 1)).flatten(2).transpose(1, 2)
        x: Tensor = patches + embeddings["position_embedding"].weight
        for layer in self.vision_model["encoder"]["layers"]:
            x = layer(x)
        return x
