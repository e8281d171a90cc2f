"""TokenFlow's encoders, its shared codes and its pixel decoder (Qu et al., TokenFlow, 2412.03069, section 3.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from vtbench.networks.convolutional import Decoder, Encoder
from vtbench.networks.nearest import nearest_codes
from vtbench.networks.next_scale.residual_scales import ResidualScales
from vtbench.tokenizers.published.tokenflow.semantic import Clip, Siglip

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Sizes of a TokenFlow.

    Attributes:
        teacher: ``clip`` or ``siglip``: the network of the semantic encoder.
        encoder: its width, layers, heads and width of the perceptron.
        channels: width of the finest level of the pixel encoder.
        decoder: the same of the pixel decoder, and residual blocks a level, less one.
        multipliers: width of each level as a multiple; each but the last halves the sides.
        latents: channels between the convolutions and the codes.
        semantic: channels of a code that tell what it means.
        visual: channels of a code that tell what it looks like.
        entries: codes.
        scales: sides of the token maps.
        patch: side of a patch of the semantic encoder.
        positions: side of CLIP's grid of learnt places.
        size: side of the images, in pixels.
    """

    teacher: str
    encoder: tuple[int, int, int, int]
    channels: int
    decoder: tuple[int, int]
    multipliers: tuple[int, ...]
    latents: int
    semantic: int
    visual: int
    entries: int
    scales: tuple[int, ...]
    patch: int
    positions: int
    size: int


class SharedCodes(ResidualScales):
    """One index for two entries, whose distances add up. Names: ``embedding_vqkd``, ``embedding_vqgan``, of unit rows.

    What a scale leaves is split in two, and each half brought to unit length.
    """

    def __init__(self, geometry: Geometry) -> None:
        super().__init__(geometry.semantic + geometry.visual, geometry.scales, smoothings=0)
        self.embedding_vqkd = nn.Embedding(geometry.entries, geometry.semantic)
        self.embedding_vqgan = nn.Embedding(geometry.entries, geometry.visual)

    def codes(self, latents: Tensor) -> Tensor:
        widths = [self.embedding_vqkd.embedding_dim, self.embedding_vqgan.embedding_dim]
        halves = torch.split(latents, widths, dim=1)
        table = torch.cat((self.embedding_vqkd.weight, self.embedding_vqgan.weight), dim=1)
        return nearest_codes(torch.cat([F.normalize(half, dim=1) for half in halves], dim=1), table)

    def entries(self, codes: Tensor) -> Tensor:
        return torch.cat((self.embedding_vqkd(codes), self.embedding_vqgan(codes)), dim=-1).movedim(-1, 1)


class Network(nn.Module):
    """Names: ``encoder``, ``quant_conv``, ``encoder_vqkd``, ``encode_task_layer``, ``quantize``, ``post_quant_conv``,
    ``decoder``."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        channels, blocks = geometry.decoder
        self.encoder = Encoder(geometry.channels, geometry.multipliers, geometry.latents)
        self.decoder = Decoder(channels, geometry.multipliers, geometry.latents, blocks)
        self.quant_conv = nn.Conv2d(geometry.latents, geometry.visual, 1)
        self.post_quant_conv = nn.Conv2d(geometry.visual, geometry.latents, 1)
        width = geometry.encoder[0]
        self.encoder_vqkd = (
            Clip(geometry.encoder, geometry.patch, geometry.positions)
            if geometry.teacher == "clip"
            else Siglip(geometry.encoder, geometry.patch, geometry.scales[-1])
        )
        self.encode_task_layer = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, geometry.semantic))
        self.quantize = SharedCodes(geometry)
        self._geometry, self._pixels = geometry, geometry.scales[-1] * 2 ** (len(geometry.multipliers) - 1)

    def encode(self, images: Tensor) -> tuple[Tensor, ...]:
        """Images in [-1, 1] to indices of every scale, the coarsest first."""
        meaning = self.encode_task_layer(self.encoder_vqkd(images)).transpose(1, 2)
        looks = self.quant_conv(self.encoder(_resized(images, self._pixels)))
        return self.quantize.encode(torch.cat((meaning.reshape(*meaning.shape[:2], *looks.shape[-2:]), looks), dim=1))

    def decode(self, levels: Sequence[Tensor]) -> Tensor:
        """Indices of every scale to images in [-1, 1]; may leave it."""
        looks = self.quantize.decode(levels)[:, self._geometry.semantic :]
        return _resized(self.decoder(self.post_quant_conv(looks)), self._geometry.size)


def from_published(state: Mapping[str, Tensor], levels: int) -> dict[str, Tensor]:
    """Published names of the convolutions to those of VQGAN; the published decoder counts levels from the coarsest."""
    return {_renamed(name, levels): tensor for name, tensor in state.items()}


def _renamed(name: str, levels: int) -> str:
    def level(found: re.Match[str]) -> str:
        down = found[1] == "encoder"
        kind = {"res": "block", "attn": "attn"}.get(found[3], found[3])
        return f"{found[1]}.{'down' if down else 'up'}.{found[2] if down else levels - 1 - int(found[2])}.{kind}."

    name = re.sub(r"^(encoder|decoder)\.conv_blocks\.(\d+)\.(res|attn|downsample|upsample)\.", level, name)
    middle = {"0": "block_1", "1": "attn_1", "2": "block_2"}
    return re.sub(r"^(encoder|decoder)\.mid\.([012])\.", lambda found: f"{found[1]}.mid.{middle[found[2]]}.", name)


def _resized(images: Tensor, side: int) -> Tensor:
    if images.shape[-1] == side:
        return images
    return F.interpolate(images, size=(side, side), mode="bicubic")
