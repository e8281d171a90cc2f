"""DetailFlow's tokenizer of ordered tokens (Liu et al., DetailFlow, 2505.21473).

Both halves are SigLIP 2 transformers in which patches and tokens stand side by side: in the encoder tokens read the
patches and the tokens before them, in the decoder everything reads everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from vtbench.networks.codebook import Codebook
from vtbench.networks.sizes import Sizes
from vtbench.tokenizers.published.detailflow.siglip2 import VisionModel

if TYPE_CHECKING:
    from torch import Tensor

SIZES = Sizes("detailflow", {"so400m": (1152, 12, 16, 4304), "base": (768, 12, 12, 3072), "nano": (32, 2, 2, 128)})
"""Width, layers, heads and width of the perceptron. SO400M has 27 layers, of which the first 12 are taken; ``nano`` is
for tests."""
POWER = 1.5
"""How fast detail grows with the tokens kept, in every published model."""


@dataclass(frozen=True)
class Geometry:
    """Sizes of a DetailFlow; see the adapter for what they mean."""

    encoder: str
    decoder: str
    tokens: int
    group: int
    entries: int
    dim: int
    size: int
    patch: int
    positions: int

    @property
    def grid(self) -> int:
        """Patches a side."""
        return self.size // self.patch

    @property
    def values(self) -> int:
        """Values of a patch."""
        return 3 * self.patch**2

    def detail_of(self, kept: int) -> int:
        """Side in pixels of the image that the first ``kept`` tokens were trained to hold: all of it with all of them.

        The authors' map (2505.21473, section 3.2): ``size - (size - 1) * ((tokens - kept) / (tokens - 1)) ** 1.5``.
        """
        if kept == self.tokens:
            return self.size
        slope = (self.size - 1) / (self.tokens - 1) ** POWER
        return max(1, int(self.size - slope * (self.tokens - kept) ** POWER))

    def drawn_at(self, kept: int) -> int:
        """Side in pixels at which the decoder draws them: the next multiple of the patch."""
        return -(-self.detail_of(kept) // self.patch) * self.patch


class Encoder(nn.Module):
    """Pixels ``[B,3,H,W]`` to tokens ``[B,N,width]``.

    Names: ``visual_model``, ``latent_pos_embed``, ``latent_tokens``.
    """

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self.width = SIZES[geometry.encoder][0]
        self.visual_model = VisionModel(SIZES[geometry.encoder], geometry.values, geometry.positions)
        self.latent_pos_embed = _learnt(geometry.tokens, self.width)
        self.latent_tokens = _learnt(geometry.tokens, self.width)
        self._geometry = geometry

    def forward(self, images: Tensor) -> Tensor:
        patches = self.visual_model.embeddings["patch_embedding"](to_patches(images, self._geometry.patch))
        patches = patches + self.visual_model.places(self._geometry.grid)
        tokens = (self.latent_tokens + self.latent_pos_embed).expand(len(images), -1, -1)
        mask = visible(self._geometry.grid**2, tokens.shape[1], self._geometry.group).to(images.device)
        output: Tensor = self.visual_model(torch.cat((patches, tokens), dim=1), mask)[:, patches.shape[1] :]
        return output


class Pixels(nn.Module):
    """Names: ``model``."""

    def __init__(self, width: int, values: int) -> None:
        super().__init__()
        self.model = nn.Linear(width, values)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.model(x)
        return output


class Decoder(nn.Module):
    """The first tokens ``[B,N,width]`` to pixels ``[B,3,H,W]``; every patch starts from one learnt vector.

    Names: ``visual_model``, ``latent_pos_embed``, ``mask_token``, ``to_pixel``.
    """

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self.width = SIZES[geometry.decoder][0]
        self.visual_model = VisionModel(SIZES[geometry.decoder], 0, geometry.positions)
        self.latent_pos_embed = _learnt(geometry.tokens, self.width)
        self.mask_token = _learnt(1, self.width)
        self.to_pixel = Pixels(self.width, geometry.values)
        self._geometry = geometry

    def forward(self, tokens: Tensor) -> Tensor:
        count = tokens.shape[1]
        places = self.visual_model.places(self._geometry.drawn_at(count) // self._geometry.patch)
        patches = (self.mask_token + places).expand(len(tokens), -1, -1)
        hidden = self.visual_model(torch.cat((patches, tokens + self.latent_pos_embed[:, :count]), dim=1))
        return to_image(self.to_pixel(hidden[:, : len(places)]), self._geometry.patch)


class Network(nn.Module):
    """Names: ``encoder``, ``quant_conv``, ``quantize``, ``post_quant_conv``, ``decoder``."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(geometry), Decoder(geometry)
        self.quant_conv = nn.Linear(self.encoder.width, geometry.dim)
        self.post_quant_conv = nn.Linear(geometry.dim, self.decoder.width)
        self.quantize = Codebook(geometry.entries, geometry.dim)

    def encode(self, images: Tensor) -> Tensor:
        """Pixels to what is quantised, ``[B,dim,N]``, not yet of unit length."""
        output: Tensor = self.quant_conv(self.encoder(images)).transpose(1, 2)
        return output

    def decode(self, entries: Tensor) -> Tensor:
        """The first codebook entries ``[B,N,dim]`` to pixels, at the side that so many tokens are drawn at."""
        output: Tensor = self.decoder(self.post_quant_conv(entries))
        return output


def visible(patches: int, tokens: int, group: int) -> Tensor:
    """Whom each of patches and tokens sees, ``bool [patches+tokens,patches+tokens]``, rows being those who see.

    Patches see patches alone; tokens see all patches, and tokens as far as :func:`reach` says.
    """
    last = torch.cat((torch.full((patches,), -1), reach(tokens, group))) + patches
    return torch.arange(patches + tokens) <= last[:, None]


def reach(tokens: int, group: int) -> Tensor:
    """The last token that each token sees, ``int64 [tokens]``: itself in the first group, else the last of its group.

    Tokens of the first group are generated one after the other, those of each later group at once.
    """
    order = torch.arange(tokens)
    return torch.where(order < group, order, order // group * group + group - 1)


def to_patches(images: Tensor, patch: int) -> Tensor:
    """``[B,3,H,W]`` to ``[B,P,patch*patch*3]``, colours innermost."""
    batch, colours, height, width = images.shape
    cut = images.reshape(batch, colours, height // patch, patch, width // patch, patch)
    return cut.permute(0, 2, 4, 3, 5, 1).reshape(batch, -1, patch * patch * colours)


def to_image(patches: Tensor, patch: int) -> Tensor:
    """The way back from :func:`to_patches`, of a square image."""
    batch, grid = len(patches), round(patches.shape[1] ** 0.5)
    cut = patches.reshape(batch, grid, grid, patch, patch, 3)
    return cut.permute(0, 5, 1, 3, 2, 4).reshape(batch, 3, grid * patch, grid * patch)


def _learnt(count: int, width: int) -> nn.Parameter:
    return nn.Parameter(0.02 * torch.randn(1, count, width))
