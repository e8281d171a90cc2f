"""The transformer that denoises all tokens of a map together (Hi-MAR's diffusion head), in the names of its files.

Sources: Peebles and Xie, 2212.09748; Zheng et al., Hierarchical Masked Autoregressive Models with Low-Resolution Token
Pivots, 2505.20288, section 3.3. Each place is modulated by what the larger transformer says of it, and by the time.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vtbench.networks.denoisers.embedded_time import EmbeddedTime
from vtbench.networks.denoisers.single_token import LastLayer
from vtbench.networks.modulation import modulated
from vtbench.networks.vision_transformer import FusedAttention, Perceptron


@dataclass(frozen=True, kw_only=True)
class MapDenoiserGeometry:
    """Sizes of the transformer.

    Attributes:
        depth: blocks.
        width: channels.
        heads: of attention.
        hidden: channels inside the feed-forward part.
        condition: channels of what the larger transformer says of a place.
        places: of the map.
        channels: values of a token.
    """

    depth: int
    width: int
    heads: int
    hidden: int
    condition: int
    places: int
    channels: int = 16


class PatchOfOne(nn.Module):
    """A matrix that is published as a convolution of one pixel. Name: ``proj``."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.proj.weight.flatten(1), self.proj.bias)


class ModulatedBlock(nn.Module):
    """Attention and feed-forward, each behind a norm without weights that is shifted and scaled; both are gated."""

    def __init__(self, geometry: MapDenoiserGeometry) -> None:
        super().__init__()
        width = geometry.width
        self.attn = FusedAttention(width, geometry.heads, bias=True)
        self.mlp = Perceptron(width, geometry.hidden, tanh=True)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        shift, scale, gate, shift_mlp, scale_mlp, gate_mlp = self.adaLN_modulation(given).chunk(6, dim=-1)
        x = x + gate * self.attn(modulated(x, shift, scale))
        output: Tensor = x + gate_mlp * self.mlp(modulated(x, shift_mlp, scale_mlp))
        return output


class MapDenoiser(nn.Module):
    """Names: ``x_embedder``, ``t_embedder``, ``c_embedder``, ``pos_embed``, ``blocks``, ``final_layer``; the file's
    ``c_pos_embed`` is kept, and never read.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: MapDenoiserGeometry) -> None:
        super().__init__()
        width = geometry.width
        self.x_embedder = PatchOfOne(geometry.channels, width)
        self.t_embedder = EmbeddedTime(width)
        self.c_embedder = PatchOfOne(geometry.condition, width)
        self.pos_embed = nn.Parameter(torch.empty(1, geometry.places, width).normal_(std=0.02))
        self.c_pos_embed = nn.Parameter(torch.zeros(1, geometry.places, width))
        self.blocks = nn.ModuleList(ModulatedBlock(geometry) for _ in range(geometry.depth))
        self.final_layer = LastLayer(width, geometry.channels)

    def forward(self, x: Tensor, time: Tensor, states: Tensor) -> Tensor:
        """The noise in a map.

        Args:
            x: noisy tokens ``[B,places,channels]``.
            time: steps of a thousand, ``[1]``, the same for all, or ``[B]``.
            states: what the larger transformer says of each place, ``[B,places,condition]``.

        Returns:
            ``[B,places,channels]``.
        """
        given = self.t_embedder(time)[:, None] + self.c_embedder(states)
        x = self.x_embedder(x) + self.pos_embed
        for block in self.blocks:
            x = block(x, given)
        output: Tensor = self.final_layer(x, given)
        return output
