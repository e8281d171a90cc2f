"""Hita's tokenizer (Zheng et al., Holistic Tokenizer for Autoregressive Image Generation, 2507.02358).

Convolutions make a map; learnt slots, a frozen DINOv2's view of the image and the map attend to one another. Slots and
map are then read in that order, each place seeing only what comes before it, and quantised. The decoder reads the two
in the same order, and takes the map from a few places earlier than it put it in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from vtbench.networks import convolutional
from vtbench.networks.attention import Attention
from vtbench.networks.codebook import Codebook
from vtbench.tokenizers.published.hita.dinov2_registers import SIZES, View

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Geometry:
    """What fixes the shapes of all tensors; see :class:`vtbench.tokenizers.published.hita.adapter.Hita` for each."""

    vision: str
    view: int
    size: int
    slots: int
    width: int
    heads: int
    layers: int
    channels: int
    multipliers: Sequence[int]
    blocks: int
    entries: int
    slot_dim: int
    local_dim: int
    shift: int

    @property
    def grid(self) -> int:
        """Side of the map."""
        return self.size >> (len(self.multipliers) - 1)


class GatedPerceptron(nn.Module):
    """SwiGLU (Shazeer, 2002.05202), a third narrower than a perceptron of two matrices. Names: ``w12``, ``w3``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = (int(4 * width * 2 / 3) + 7) // 8 * 8
        self.w12, self.w3 = nn.Linear(width, 2 * hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.w12(x).chunk(2, dim=-1)
        output: Tensor = self.w3(F.silu(gate) * value)
        return output


class Layer(nn.Module):
    """Names: ``norm1``, ``attn1``, ``norm2``, ``ffnet``."""

    def __init__(self, width: int, heads: int, *, causal: bool) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn1 = Attention(width, heads, bias=causal, causal=causal)
        self.ffnet = GatedPerceptron(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn1(self.norm1(x))
        output: Tensor = x + self.ffnet(self.norm2(x))
        return output


def _transformer(shape: Geometry, *, causal: bool) -> nn.Sequential:
    return nn.Sequential(*(Layer(shape.width, shape.heads, causal=causal) for _ in range(shape.layers)))


class Reader(nn.Module):
    """Image and map to slots and map.

    Names: ``backbone``, ``proj``, ``carrier_tokens``, ``pos_embed``, ``norm_pre1``, ``transformer1``, ``norm_pre2``,
    ``transformer2``.
    """

    def __init__(self, shape: Geometry) -> None:
        super().__init__()
        width, seen = shape.width, SIZES[shape.vision][0]
        self.backbone = View(shape.vision, shape.view)
        self.proj = nn.Sequential(
            nn.Linear(seen, width, bias=False),
            nn.LayerNorm(width),
            nn.ReLU(),
            nn.Linear(width, width, bias=False),
            nn.LayerNorm(width),
        )
        self.carrier_tokens = nn.Parameter(width**-0.5 * torch.randn(1, shape.slots, width))
        self.pos_embed = nn.Parameter(width**-0.5 * torch.randn(1, shape.grid**2, width))
        self.norm_pre1, self.norm_pre2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.transformer1, self.transformer2 = _transformer(shape, causal=False), _transformer(shape, causal=True)

    def forward(self, images: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """``[B,3,H,W]`` and ``[B,C,h,w]`` to ``[B,N,C]`` and ``[B,C,h,w]``."""
        slots = self.carrier_tokens.expand(len(images), -1, -1)
        placed = features.flatten(2).transpose(1, 2) + self.pos_embed
        seen = self.proj(self.backbone(images))
        x = self.transformer1(self.norm_pre1(torch.cat([slots, seen, placed], dim=1)))
        count = slots.shape[1]
        x = torch.cat([x[:, :count], x[:, count + seen.shape[1] :]], dim=1)
        x = self.transformer2(self.norm_pre2(x))
        return x[:, :count], x[:, count:].transpose(1, 2).reshape(features.shape)


class Writer(nn.Module):
    """Slots and map to the map that is painted.

    Place i of the result is read where token i - ``shift`` of the map stands, or one of the last slots: it is told of
    the map's tokens up to that one, and nothing is told of the last ``shift`` tokens.

    Names: ``position_embedding``, ``slot_position_embedding``, ``norm``, ``transformer``.
    """

    def __init__(self, shape: Geometry) -> None:
        super().__init__()
        width = shape.width
        self.position_embedding = nn.Parameter(width**-0.5 * torch.randn(1, shape.grid**2, width))
        self.slot_position_embedding = nn.Parameter(width**-0.5 * torch.randn(1, shape.slots, width))
        self.norm = nn.LayerNorm(width)
        self.transformer = _transformer(shape, causal=True)
        self._first = shape.slots - shape.shift

    def forward(self, slots: Tensor, features: Tensor) -> Tensor:
        """``[B,N,C]`` and ``[B,C,h,w]`` to ``[B,C,h,w]``."""
        placed = features.flatten(2).transpose(1, 2) + self.position_embedding
        x = self.transformer(self.norm(torch.cat([slots + self.slot_position_embedding, placed], dim=1)))
        painted: Tensor = x[:, self._first : self._first + placed.shape[1]].transpose(1, 2).reshape(features.shape)
        return painted


class Network(nn.Module):
    """The whole tokenizer.

    Names: ``encoder``, ``encode_transformer``, ``quant_conv``, ``quantize``, ``pre_slots_quant``, ``slot_quantize``,
    their inverses ``post_quant_conv`` and ``post_slots_quant``, ``decode_transformer``, ``decoder``.
    """

    def __init__(self, shape: Geometry) -> None:
        super().__init__()
        width, convolutions = shape.width, (shape.channels, shape.multipliers, shape.width, shape.blocks)
        self.encoder = convolutional.Encoder(*convolutions)
        self.decoder = convolutional.Decoder(*convolutions)
        self.encode_transformer, self.decode_transformer = Reader(shape), Writer(shape)
        self.quantize = Codebook(shape.entries, shape.local_dim)
        self.slot_quantize = Codebook(shape.entries, shape.slot_dim)
        self.quant_conv = nn.Conv2d(width, shape.local_dim, 1)
        self.post_quant_conv = nn.Conv2d(shape.local_dim, width, 1)
        self.pre_slots_quant = nn.Linear(width, shape.slot_dim)
        self.post_slots_quant = nn.Linear(shape.slot_dim, width)

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels in [-1, 1] to what is quantised: slots ``[B,slot_dim,N]`` and map ``[B,local_dim,h,w]``."""
        slots, features = self.encode_transformer(images, self.encoder(images))
        return self.pre_slots_quant(slots).transpose(1, 2), self.quant_conv(features)

    def decode(self, slots: Tensor, local: Tensor) -> Tensor:
        """Codebook entries ``[B,N,slot_dim]`` and ``[B,local_dim,h,w]`` to pixels in [-1, 1]."""
        features = self.decode_transformer(self.post_slots_quant(slots), self.post_quant_conv(local))
        output: Tensor = self.decoder(features)
        return output
