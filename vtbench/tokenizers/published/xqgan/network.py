"""The network of ImageFolder, XQ-GAN and RobustTok (Li et al., ImageFolder, 2410.01756, section 3.2).

Queries stand beside the patches in DINOv2's network, a map of them for each product; the decoder's patches start from
one vector, and read what was quantised. Maps take the learnt places of the patches, resampled to their own grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn

from vtbench.networks.vision_transformer import GainedBlock, Trunk
from vtbench.tokenizers.published.xqgan.quantisers import EntriesOfScales, OneMap, SignsOfScales

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Sizes of an XQ-GAN.

    Attributes:
        encoder: of the transformer that sees pixels.
        decoder: of the one that sees what was quantised.
        quantiser: ``one-map`` of entries, residual ``scales`` of entries, or of ``signs``.
        products: maps of queries, each with a quantiser of its own.
        scales: sides of the token maps; one map has the last.
        entries: of a codebook.
        channels: of what is quantised.
        size: side of the images, in pixels.
        patch: side of a patch.
    """

    encoder: Trunk
    decoder: Trunk
    quantiser: str
    products: int
    scales: tuple[int, ...]
    entries: int
    channels: int
    size: int
    patch: int

    @property
    def grid(self) -> int:
        """Patches a side."""
        return self.size // self.patch

    @property
    def side(self) -> int:
        """Queries along a side of their map."""
        return self.scales[-1]


class Vit(nn.Module):
    """DINOv2's network. Names: ``patch_embed.proj`` where it sees pixels, ``cls_token``, ``pos_embed``, ``blocks``,
    ``norm``."""

    def __init__(self, trunk: Trunk, geometry: Geometry, *, sees: bool) -> None:
        super().__init__()
        if sees:
            projection = nn.Conv2d(3, trunk.width, geometry.patch, stride=geometry.patch)
            self.patch_embed = nn.ModuleDict({"proj": projection})
        self.cls_token = nn.Parameter(0.02 * torch.randn(1, 1, trunk.width))
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, 1 + geometry.grid**2, trunk.width))
        self.blocks = nn.Sequential(*(GainedBlock(trunk) for _ in range(trunk.layers)))
        self.norm = nn.LayerNorm(trunk.width, eps=1e-6)
        self._grid = geometry.grid

    def placed(self, tokens: Tensor, side: int) -> Tensor:
        """A map of tokens ``[B,side*side,width]`` behind a class token, each with its place."""
        places: Tensor = self.pos_embed
        if side != self._grid:
            square = places[:, 1:].float().transpose(1, 2).reshape(1, -1, self._grid, self._grid)
            resampled = F.interpolate(square, size=(side, side), mode="bicubic", antialias=True).flatten(2)
            places = torch.cat((places[:, :1], resampled.transpose(1, 2).to(places.dtype)), dim=1)
        return torch.cat((self.cls_token.expand(len(tokens), -1, -1), tokens), dim=1) + places

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.norm(self.blocks(x))
        return output


class Encoder(nn.Module):
    """Images to maps of queries, ``[B,width,side,side]`` a product. Names: ``model``, ``latent_tokens``, ``lvl_embed``.

    What tells patches and the products apart are learnt vectors.
    """

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        trunk = geometry.encoder
        self.model = Vit(trunk, geometry, sees=True)
        self.latent_tokens = nn.Parameter(0.02 * torch.randn(1, geometry.products * geometry.side**2, trunk.width))
        self.lvl_embed = nn.Embedding(1 + geometry.products, trunk.width)
        self._geometry = geometry

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        products, side = self._geometry.products, self._geometry.side
        patches = self.model.patch_embed["proj"](images).flatten(2).transpose(1, 2)
        kinds = self.lvl_embed.weight
        parts = [self.model.placed(patches, self._geometry.grid) + kinds[0]]
        for product, queries in enumerate(self.latent_tokens.expand(len(images), -1, -1).chunk(products, dim=1)):
            parts.append(self.model.placed(queries, side)[:, 1:] + kinds[1 + product])
        found = self.model(torch.cat(parts, dim=1))[:, parts[0].shape[1] :]
        shape = (len(images), -1, side, side)
        return tuple(queries.transpose(1, 2).reshape(shape) for queries in found.chunk(products, dim=1))


class Decoder(nn.Module):
    """A map ``[B,width,side,side]`` to images. Names: ``model``, ``mask_token``, ``lvl_embed``, ``to_pixel.model``."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        trunk = geometry.decoder
        self.model = Vit(trunk, geometry, sees=False)
        self.mask_token = nn.Parameter(0.02 * torch.randn(1, 1, trunk.width))
        self.lvl_embed = nn.Embedding(2, trunk.width)
        self.to_pixel = nn.ModuleDict({"model": nn.Linear(trunk.width, 3 * geometry.patch**2)})
        self._geometry = geometry

    def forward(self, latents: Tensor) -> Tensor:
        grid, patch, batch = self._geometry.grid, self._geometry.patch, len(latents)
        kinds = self.lvl_embed.weight
        patches = self.model.placed(self.mask_token.expand(batch, grid**2, -1), grid) + kinds[0]
        queries = self.model.placed(latents.flatten(2).transpose(1, 2), self._geometry.side) + kinds[1]
        x = self.model(torch.cat((patches, queries), dim=1))[:, 1 : 1 + grid**2]
        cut = self.to_pixel["model"](x).reshape(batch, grid, grid, patch, patch, 3)
        output: Tensor = cut.permute(0, 5, 1, 3, 2, 4).reshape(batch, 3, grid * patch, grid * patch)
        return output


class Network(nn.Module):
    """Names: ``encoder``, ``quant_conv``, ``quantizes``, ``post_quant_conv``, ``decoder``."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(geometry), Decoder(geometry)
        self.quant_conv = nn.Conv2d(geometry.encoder.width, geometry.channels, 1)
        self.post_quant_conv = nn.Conv2d(geometry.products * geometry.channels, geometry.decoder.width, 1)
        self.quantizes: Any = nn.ModuleList(_quantiser(geometry) for _ in range(geometry.products))

    def encode(self, images: Tensor) -> list[Tensor]:
        """Images in [-1, 1] to codes: of the coarsest scale first, and of its products one after the other."""
        maps = self.encoder(images)
        pairs = zip(self.quantizes, maps, strict=True)
        each = [quantiser.encode(self.quant_conv(queries)) for quantiser, queries in pairs]
        return [codes for scale in zip(*each, strict=True) for codes in scale]

    def decode(self, codes: tuple[Tensor, ...]) -> Tensor:
        """Codes to images in [-1, 1]."""
        products = len(self.quantizes)
        parts = [quantiser.decode(codes[index::products]) for index, quantiser in enumerate(self.quantizes)]
        output: Tensor = self.decoder(self.post_quant_conv(torch.cat(parts, dim=1)))
        return output


def _quantiser(geometry: Geometry) -> nn.Module:
    if geometry.quantiser == "one-map":
        return OneMap(geometry.entries, geometry.channels)
    if geometry.quantiser == "scales":
        return EntriesOfScales(geometry.entries, geometry.channels, geometry.scales)
    return SignsOfScales(geometry.channels, geometry.scales)
