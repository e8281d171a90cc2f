"""SoftVQ-VAE's transformers and its soft quantiser (Chen et al., SoftVQ-VAE, 2412.10958, sections 3.1 and 3.2).

MAETok (Chen et al., 2502.03444) has the same transformers, with learnt rotations of patches (Heo et al., Rotary
Position Embedding for Vision Transformer, 2403.13298, section 3.2), and no quantiser.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from vtbench.networks.vision_transformer import GainedBlock, Trunk

if TYPE_CHECKING:
    from torch import Tensor

SPREAD = 0.02


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Sizes of a SoftVQ-VAE or a MAETok.

    Attributes:
        encoder: of the transformer that sees pixels.
        decoder: of the one that sees latents.
        tokens: latent tokens; the codebooks share them evenly.
        channels: of a latent token.
        codebooks: how many there are; 0 for none.
        entries: of each.
        size: side of the images, in pixels.
        patch: side of a patch.
        turned: patches are told their places by learnt rotations. Then the decoder has no class token and no learnt
            places; the encoder has both in any case.
    """

    encoder: Trunk
    decoder: Trunk
    tokens: int
    channels: int
    codebooks: int
    entries: int
    size: int
    patch: int
    turned: bool

    @property
    def grid(self) -> int:
        """Patches a side."""
        return self.size // self.patch


class Vit(nn.Module):
    """DINOv2's network.

    Names: ``patch_embed.proj``, ``cls_token`` and ``pos_embed`` where it has them, ``blocks``, ``norm``.

    Args:
        trunk: its sizes.
        places: of the patches.
        patch: side of a patch of pixels; 0 where patches come from elsewhere.
        placed: whether there are a class token and learnt places.
    """

    def __init__(self, trunk: Trunk, places: int, patch: int, *, placed: bool) -> None:
        super().__init__()
        if patch:
            self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, trunk.width, patch, stride=patch)})
        if placed:
            self.cls_token = _learnt(1, trunk.width)
            self.pos_embed = _learnt(1 + places, trunk.width)
        self.blocks = nn.Sequential(*(GainedBlock(trunk) for _ in range(trunk.layers)))
        self.norm = nn.LayerNorm(trunk.width, eps=1e-6)

    def forward(self, patches: Tensor, latents: Tensor, angles: Tensor | None) -> tuple[Tensor, Tensor]:
        """Patches ``[B,P,width]`` and latents ``[B,N,width]`` see one another: both again.

        ``angles``, ``[layers,heads,P,width of a head / 2]``, turn the patches in each layer.
        """
        before, count = 0, patches.shape[1]
        if hasattr(self, "cls_token"):
            before = 1
            patches = torch.cat((self.cls_token.expand(len(patches), -1, -1), patches), dim=1) + self.pos_embed
        x = torch.cat((patches, latents), dim=1)
        for index, block in enumerate(self.blocks):
            x = block(x, None if angles is None else partial(turned, angles=angles[index], before=before))
        x = self.norm(x)
        return x[:, before : before + count], x[:, before + count :]


class Tower(nn.Module):
    """What encoder and decoder share. Names: ``model``, ``latent_pos_embed``, ``freqs`` where patches are turned."""

    def __init__(self, trunk: Trunk, geometry: Geometry, patch: int, *, placed: bool) -> None:
        super().__init__()
        self.model = Vit(trunk, geometry.grid**2, patch, placed=placed)
        self.latent_pos_embed = _learnt(geometry.tokens, trunk.width)
        if geometry.turned:
            self.freqs = nn.Parameter(torch.randn(2, trunk.layers, trunk.width // 2))
        self._grid, self._heads = geometry.grid, trunk.heads

    def angles(self) -> Tensor | None:
        """Of every patch in every layer and head, ``float32 [layers,heads,P,width of a head / 2]``."""
        if not hasattr(self, "freqs"):
            return None
        places = torch.arange(self._grid**2, device=self.freqs.device)
        columns, rows = (places % self._grid).float(), (places // self._grid).float()
        across, down = self.freqs.float()[:, :, None]
        total: Tensor = columns[:, None] * across + rows[:, None] * down
        return total.reshape(*total.shape[:2], self._heads, -1).transpose(1, 2)


class Encoder(Tower):
    """Images to tokens ``[B,N,width]``. Name: also ``latent_tokens``."""

    def __init__(self, geometry: Geometry) -> None:
        trunk = geometry.encoder
        super().__init__(trunk, geometry, geometry.patch, placed=True)
        self.latent_tokens = _learnt(geometry.tokens, trunk.width)

    def forward(self, images: Tensor) -> Tensor:
        patches = self.model.patch_embed["proj"](images).flatten(2).transpose(1, 2)
        latents = (self.latent_tokens + self.latent_pos_embed).expand(len(images), -1, -1)
        output: Tensor = self.model(patches, latents, self.angles())[1]
        return output


class Decoder(Tower):
    """Tokens ``[B,N,width]`` to images; every patch starts from one vector.

    Names: also ``mask_token``, ``to_pixel``.
    """

    def __init__(self, geometry: Geometry) -> None:
        trunk = geometry.decoder
        super().__init__(trunk, geometry, 0, placed=not geometry.turned)
        self.mask_token = _learnt(1, trunk.width)
        self.to_pixel = nn.ModuleDict({"model": nn.Linear(trunk.width, 3 * geometry.patch**2)})
        self._patch = geometry.patch

    def forward(self, tokens: Tensor) -> Tensor:
        patches = self.mask_token.expand(len(tokens), self._grid**2, -1)
        pixels = self.to_pixel["model"](self.model(patches, tokens + self.latent_pos_embed, self.angles())[0])
        cut = pixels.reshape(len(tokens), self._grid, self._grid, self._patch, self._patch, 3)
        output: Tensor = cut.permute(0, 5, 1, 3, 2, 4).reshape(len(tokens), 3, *[self._grid * self._patch] * 2)
        return output


class SoftQuantiser(nn.Module):
    """Each token becomes the mean of a codebook, weighted by cosines over a temperature. Name: ``embedding``."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(geometry.codebooks, geometry.entries, geometry.channels))

    def forward(self, tokens: Tensor, temperature: float) -> Tensor:
        """``[B,N,C]`` to the same; the first share of the tokens has the first codebook."""
        books = F.normalize(self.embedding, dim=-1)
        shares = F.normalize(tokens, dim=-1).reshape(len(tokens), len(books), -1, tokens.shape[-1])
        weights = (torch.einsum("bnsc,nkc->bnsk", shares, books) / temperature).softmax(-1)
        return torch.einsum("bnsk,nkc->bnsc", weights, books).flatten(1, 2)


class Network(nn.Module):
    """Names: ``encoder``, ``quant_conv``, ``quantize`` where there are codebooks, ``post_quant_conv``, ``decoder``."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(geometry), Decoder(geometry)
        self.quant_conv = nn.Linear(geometry.encoder.width, geometry.channels)
        self.post_quant_conv = nn.Linear(geometry.channels, geometry.decoder.width)
        if geometry.codebooks:
            self.quantize = SoftQuantiser(geometry)

    def encode(self, images: Tensor, temperature: float) -> Tensor:
        """Images in [-1, 1] to latents ``[B,C,N]``."""
        tokens: Tensor = self.quant_conv(self.encoder(images))
        if hasattr(self, "quantize"):
            tokens = self.quantize(tokens, temperature)
        return tokens.transpose(1, 2)

    def decode(self, latents: Tensor) -> Tensor:
        """Latents ``[B,C,N]`` to images in [-1, 1]."""
        output: Tensor = self.decoder(self.post_quant_conv(latents.transpose(1, 2)))
        return output


def turned(x: Tensor, angles: Tensor, before: int) -> Tensor:
    """Turn queries or keys ``[B,heads,N,d]`` of the patches, which stand after ``before`` others, in float32.

    Channels 2i and 2i + 1 are a pair; ``angles`` are ``float32 [heads,P,d/2]``.
    """
    patches = x[:, :, before : before + angles.shape[1]]
    pairs = torch.view_as_complex(patches.float().reshape(*patches.shape[:-1], -1, 2))
    moved = torch.view_as_real(pairs * torch.polar(torch.ones_like(angles), angles)).flatten(-2).type_as(x)
    return torch.cat((x[:, :, :before], moved, x[:, :, before + angles.shape[1] :]), dim=2)


def _learnt(count: int, width: int) -> nn.Parameter:
    return nn.Parameter(SPREAD * torch.randn(1, count, width))
