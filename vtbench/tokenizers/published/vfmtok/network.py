"""VFMTok's tokenizer (Zheng et al., Vision Foundation Models as Effective Visual Tokenizers, 2507.08441, section 3).

Queries look up features of four depths of a frozen DINOv2, each at places that it chooses itself, and are quantised in
their order. The decoder reads them, then a map of equal vectors, each place seeing only what comes before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn

from vtbench.networks.codebook import Codebook
from vtbench.networks.convolutional import Decoder
from vtbench.tokenizers.published.hita.dinov2_registers import MEAN, REGISTERS, SIZES, STD, registered_dinov2
from vtbench.tokenizers.published.hita.network import Layer
from vtbench.tokenizers.published.vfmtok.deformable import DeformableLayer

if TYPE_CHECKING:
    from torch import Tensor

MAPS = 4
"""Depths of DINOv2 that are read: every quarter of its blocks, the last one after its norm."""
NUDGE = 0.1
"""Added to the sides of a resampled grid, as the published code does; it shifts every place a little."""


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Sizes of a VFMTok.

    Attributes:
        vision: size of DINOv2.
        size: side of the images, in pixels.
        queries: along a side of their grid.
        width: of queries and transformers.
        heads: of the transformers.
        layers: of each of the two.
        points: places that a head of a query looks up in a map.
        hidden: width of the perceptrons beside the looking up.
        places: side of the decoder's grid of learnt places.
        registers: tokens behind the decoder's map.
        channels: width of the finest level of the convolutions.
        multipliers: width of each level as a multiple; each but the last halves the sides.
        blocks: residual blocks a level, less one.
        entries: of the codebook.
        dim: width of an entry.
    """

    vision: str
    size: int
    queries: int
    width: int
    heads: int
    layers: int
    points: int
    hidden: int
    places: int
    registers: int
    channels: int
    multipliers: tuple[int, ...]
    blocks: int
    entries: int
    dim: int

    @property
    def grid(self) -> int:
        """Side of the decoder's map."""
        return self.size >> (len(self.multipliers) - 1)


class Features(nn.Module):
    """Images ``[B,3,H,W]`` in [-1, 1] to DINOv2's maps ``[B,4,P,C]``. Name: ``pretrained_encoder``."""

    mean: Tensor
    std: Tensor

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self.pretrained_encoder: Any = registered_dinov2(geometry.vision, geometry.size)
        for name, colours in (("mean", MEAN), ("std", STD)):
            self.register_buffer(name, torch.tensor(colours).view(3, 1, 1), persistent=False)
        depth = SIZES[geometry.vision][1]
        self._depths = [depth * (index + 1) // MAPS - 1 for index in range(MAPS - 1)]

    def forward(self, images: Tensor) -> Tensor:
        unit = (images.clamp(-1, 1) + 1) / 2
        last, earlier = self.pretrained_encoder.forward_intermediates(
            (unit - self.mean) / self.std, indices=self._depths, output_fmt="NLC"
        )
        return torch.stack((*earlier, last[:, 1 + REGISTERS :]), dim=1)


class Lookups(nn.Module):
    """Layers of queries that look up. Name: ``layers``."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        sizes = (geometry.width, geometry.heads, MAPS, geometry.points, geometry.hidden)
        self.layers = nn.ModuleList(DeformableLayer(*sizes) for _ in range(geometry.layers))
        self._side = geometry.queries

    def forward(self, x: Tensor, positions: Tensor, features: Tensor) -> Tensor:
        middles = (torch.arange(self._side, device=x.device, dtype=x.dtype) + 0.5) / self._side
        rows, columns = torch.meshgrid(middles, middles, indexing="ij")
        places = torch.stack((columns, rows), dim=-1).flatten(0, 1)
        for layer in self.layers:
            x = layer(x, positions, places, features)
        return x


class Reader(nn.Module):
    """Images to queries ``[B,Q,width]``.

    Names: ``backbone``, ``projectors``, ``norm_layers``, ``carrier_tokens``, ``slots_pos``, ``norm_pre1``,
    ``transformer.layers``.
    """

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        width, count = geometry.width, geometry.queries**2
        self.backbone = Features(geometry)
        self.projectors = nn.ModuleList(_projector(SIZES[geometry.vision][0], width) for _ in range(MAPS))
        self.norm_layers = nn.ModuleList(nn.LayerNorm(width) for _ in range(MAPS))
        self.carrier_tokens = nn.Parameter(width**-0.5 * torch.randn(1, count, width))
        self.slots_pos = nn.Parameter(width**-0.5 * torch.randn(1, count, width))
        self.norm_pre1 = nn.LayerNorm(width)
        self.transformer = Lookups(geometry)

    def forward(self, images: Tensor) -> Tensor:
        pairs = zip(self.norm_layers, self.projectors, self.backbone(images).unbind(1), strict=True)
        features = torch.stack([norm(project(seen)) for norm, project, seen in pairs], dim=1)
        queries = self.norm_pre1(self.carrier_tokens).expand(len(images), -1, -1)
        output: Tensor = self.transformer(queries, self.slots_pos, features)
        return output


class Writer(nn.Module):
    """Queries to the map that is painted.

    Names: ``position_embedding``, ``slot_position_embedding``, ``mask_embedding``, ``cls_token``, ``register_tokens``,
    ``norm_post1``, ``transformer.layers``.
    """

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        width = geometry.width
        self.position_embedding = nn.Parameter(width**-0.5 * torch.randn(1, 1 + geometry.places**2, width))
        self.slot_position_embedding = nn.Parameter(width**-0.5 * torch.randn(1, geometry.queries**2, width))
        self.mask_embedding, self.cls_token = (nn.Parameter(width**-0.5 * torch.randn(1, 1, width)) for _ in range(2))
        self.register_tokens = nn.Parameter(torch.zeros(1, geometry.registers, width))
        self.norm_post1 = nn.LayerNorm(width)
        layers = nn.Sequential(*(Layer(width, geometry.heads, causal=True) for _ in range(geometry.layers)))
        self.transformer = nn.ModuleDict({"layers": layers})
        self._grid, self._places = geometry.grid, geometry.places

    def forward(self, queries: Tensor) -> Tensor:
        """``[B,Q,width]`` to ``[B,width,h,h]``."""
        batch, count, width = queries.shape
        places = self._map_places()
        first, painted = self.cls_token + self.position_embedding[:, :1], self.mask_embedding + places
        behind = torch.cat((first, painted, self.register_tokens), dim=1).expand(batch, -1, -1)
        x = self.norm_post1(torch.cat((queries + self.slot_position_embedding, behind), dim=1))
        x = self.transformer["layers"](x)[:, count + 1 : count + 1 + places.shape[1]]
        painted_map: Tensor = x.transpose(1, 2).reshape(batch, width, self._grid, self._grid)
        return painted_map

    def _map_places(self) -> Tensor:
        places = self.position_embedding[:, 1:]
        if self._grid == self._places:
            return places
        square = places.transpose(1, 2).reshape(1, -1, self._places, self._places)
        scale = ((self._grid + NUDGE) / self._places,) * 2
        return F.interpolate(square, scale_factor=scale, mode="bicubic").flatten(2).transpose(1, 2)


class Network(nn.Module):
    """Names: ``encode_transformer``, ``pre_slots_quant``, ``slot_quantize``, ``post_slots_quant``,
    ``decode_transformer``, ``decoder``."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        width = geometry.width
        self.encode_transformer, self.decode_transformer = Reader(geometry), Writer(geometry)
        self.pre_slots_quant, self.post_slots_quant = nn.Linear(width, geometry.dim), nn.Linear(geometry.dim, width)
        self.slot_quantize = Codebook(geometry.entries, geometry.dim)
        self.decoder = Decoder(geometry.channels, geometry.multipliers, width, geometry.blocks)
        self.decoder.up[-1].attn = nn.ModuleList()  # the published decoder attends in the middle alone

    def encode(self, images: Tensor) -> Tensor:
        """Images in [-1, 1] to what is quantised, ``[B,dim,Q]``."""
        output: Tensor = self.pre_slots_quant(self.encode_transformer(images)).transpose(1, 2)
        return output

    def decode(self, entries: Tensor) -> Tensor:
        """Codebook entries ``[B,Q,dim]`` to images in [-1, 1]; may leave it."""
        output: Tensor = self.decoder(self.decode_transformer(self.post_slots_quant(entries)))
        return output


def _projector(inputs: int, width: int) -> nn.Sequential:
    first, second = nn.Linear(inputs, width, bias=False), nn.Linear(width, width, bias=False)
    return nn.Sequential(first, nn.LayerNorm(width), nn.ReLU(), second, nn.LayerNorm(width))
