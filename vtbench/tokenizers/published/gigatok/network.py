"""GigaTok's hybrid of convolutions and Q-formers (Xiong et al., GigaTok, 2504.08736).

A convolutional encoder makes a map, a transformer reads it into tokens; another transformer spreads the tokens over a
map, and a convolutional decoder with Open-MAGVIT2's adaptive norms paints it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from vtbench.networks.codebook import Codebook
from vtbench.networks.convolutional import Downsample, ResidualBlock, group_norm
from vtbench.networks.magvit2 import AdaptiveNorm, Upsampler
from vtbench.networks.sizes import Sizes

if TYPE_CHECKING:
    from torch import Tensor

WIDTHS = Sizes(
    "gigatok",
    {
        "nano": (32, 1, 2),
        "small": (512, 6, 8),
        "base": (768, 12, 12),
        "large": (1024, 24, 16),
        "xl": (1280, 36, 20),
        "xxl": (1536, 48, 24),
    },
)
"""Width, layers and heads of the published sizes; ``nano`` is for tests."""


class Layer(nn.Module):
    """Queries attend to one another, then to a memory; then a perceptron. After DETR (Carion et al., 2005.12872).

    Names: ``self_attn``, ``multihead_attn``, ``linear1``, ``linear2``, ``norm1`` to ``norm3``.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.multihead_attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.linear1, self.linear2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))

    def forward(self, queries: Tensor, memory: Tensor, query_places: Tensor, memory_places: Tensor) -> Tensor:
        normed = self.norm1(queries)
        placed = normed + query_places
        queries = queries + self.self_attn(placed, placed, normed, need_weights=False)[0]
        placed = self.norm2(queries) + query_places
        queries = queries + self.multihead_attn(placed, memory + memory_places, memory, need_weights=False)[0]
        output: Tensor = queries + self.linear2(F.gelu(self.linear1(self.norm3(queries))))
        return output


class Former(nn.Module):
    """What both transformers share. Places are kept ``[N,1,width]``, as in the published file."""

    def __init__(self, size: str, latents: int, tokens: int, grid: int) -> None:
        super().__init__()
        width, layers, heads = WIDTHS[size]
        self.ln_pre = nn.LayerNorm(latents)
        self.positional_embedding = nn.Parameter(width**-0.5 * torch.randn(grid**2, 1, width))
        self.latent_token_positional_embedding = nn.Parameter(width**-0.5 * torch.randn(tokens, 1, width))
        self.transformer = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        self.ln_post = nn.LayerNorm(width)
        self.width, self._grid, self._tokens = width, grid, tokens

    def run(self, queries: Tensor, memory: Tensor, query_places: Tensor, memory_places: Tensor) -> Tensor:
        """``[B,Q,width]`` and ``[B,M,width]`` to ``[B,Q,width]``."""
        for layer in self.transformer:
            queries = layer(queries, memory, query_places.transpose(0, 1), memory_places.transpose(0, 1))
        output: Tensor = self.ln_post(queries)
        return output


class ToTokens(Former):
    """A map ``[B,C,h,w]`` to ``[B,C,1,N]``. Names: also ``encoder_embed``, ``global_proj``, ``conv_out``."""

    def __init__(self, size: str, latents: int, tokens: int, grid: int) -> None:
        super().__init__(size, latents, tokens, grid)
        self.encoder_embed = nn.Linear(latents, self.width)
        self.global_proj = nn.Linear(self.width, self.width)
        self.conv_out = nn.Conv2d(self.width, latents, 1)

    def forward(self, features: Tensor) -> Tensor:
        memory = self.encoder_embed(self.ln_pre(features.flatten(2).transpose(1, 2)))
        placed = memory.transpose(1, 2).reshape(len(memory), self.width, self._grid, self._grid)
        queries = self.global_proj(_pyramid(placed, self._tokens))
        tokens = self.run(queries, memory, self.latent_token_positional_embedding, self.positional_embedding)
        output: Tensor = self.conv_out(tokens.transpose(1, 2).unsqueeze(2))
        return output


class ToMap(Former):
    """Tokens ``[B,C,1,N]`` to a map ``[B,C,h,w]``. Names: also ``decoder_embed``, ``conv_out``."""

    def __init__(self, size: str, latents: int, tokens: int, grid: int) -> None:
        super().__init__(size, latents, tokens, grid)
        self.decoder_embed = nn.Linear(latents, self.width)
        self.conv_out = nn.Conv2d(self.width, latents, 3, padding=1)

    def forward(self, tokens: Tensor) -> Tensor:
        memory = self.decoder_embed(self.ln_pre(tokens.flatten(2).transpose(1, 2)))
        queries = memory[:, :1].expand(-1, self._grid**2, -1)  # the first token is where every place starts from
        spread = self.run(queries, memory, self.positional_embedding, self.latent_token_positional_embedding)
        placed = spread.transpose(1, 2).reshape(len(spread), self.width, self._grid, self._grid)
        output: Tensor = self.conv_out(placed)
        return output


class Level(nn.Module):
    """Names: ``res``, then ``downsample`` or ``upsample``."""

    def __init__(self, inputs: int, outputs: int, blocks: int) -> None:
        super().__init__()
        self.res = nn.Sequential(*(ResidualBlock(a, b) for a, b in pairwise([inputs] + [outputs] * blocks)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.res(x)
        for name in ("downsample", "upsample"):
            if hasattr(self, name):
                x = getattr(self, name)(x)
        return x


class Encoder(nn.Module):
    """Pixels to a map. Names: ``conv_in``, ``conv_blocks``, ``mid``, ``norm_out``, ``conv_out``."""

    def __init__(self, channels: int, multipliers: Sequence[int], latents: int, blocks: int) -> None:
        super().__init__()
        widths = [channels, *(channels * multiplier for multiplier in multipliers)]
        self.conv_in = nn.Conv2d(3, channels, 3, padding=1)
        self.conv_blocks = nn.Sequential(*(Level(a, b, blocks) for a, b in pairwise(widths)))
        for level, width in zip(self.conv_blocks[:-1], widths[1:], strict=False):
            level.downsample = Downsample(width)
        self.mid = nn.Sequential(*(ResidualBlock(widths[-1]) for _ in range(2)))
        self.norm_out = group_norm(widths[-1])
        self.conv_out = nn.Conv2d(widths[-1], latents, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.mid(self.conv_blocks(self.conv_in(x)))
        output: Tensor = self.conv_out(F.silu(self.norm_out(x)))
        return output


class Decoder(nn.Module):
    """A map to pixels. Names: ``conv_in``, ``mid``, ``adaptive``, ``conv_blocks``, ``norm_out``, ``conv_out``."""

    def __init__(self, channels: int, multipliers: Sequence[int], latents: int, blocks: int) -> None:
        super().__init__()
        down = [channels * multiplier for multiplier in reversed(multipliers)]
        widths = [down[0], *down]
        self.conv_in = nn.Conv2d(latents, widths[0], 3, padding=1)
        self.mid = nn.Sequential(*(ResidualBlock(widths[0]) for _ in range(2)))
        self.adaptive = nn.ModuleList(AdaptiveNorm(latents, width) for width in widths[:-1])
        self.conv_blocks = nn.ModuleList(Level(a, b, blocks + 1) for a, b in pairwise(widths))
        for level, width in zip(self.conv_blocks[:-1], widths[1:], strict=False):
            level.upsample = Upsampler(width)
        self.norm_out = group_norm(widths[-1])
        self.conv_out = nn.Conv2d(widths[-1], 3, 3, padding=1)

    def forward(self, style: Tensor) -> Tensor:
        x = self.mid(self.conv_in(style))
        for adaptive, level in zip(self.adaptive, self.conv_blocks, strict=True):
            x = level(adaptive(x, style))
        output: Tensor = self.conv_out(F.silu(self.norm_out(x)))
        return output


class Network(nn.Module):
    """Convolutions around transformers around a codebook.

    Names: ``encoder``, ``s2to1encoder``, ``quant_conv``, ``quantize``, ``post_quant_conv``, ``s1to2decoder``,
    ``decoder``.
    """

    def __init__(
        self,
        sizes: tuple[str, str],
        convolutional: tuple[int, Sequence[int], int, int],
        tokens: int,
        grid: int,
        codebook: tuple[int, int],
    ) -> None:
        super().__init__()
        latents = convolutional[2]
        self.encoder, self.decoder = Encoder(*convolutional), Decoder(*convolutional)
        self.s2to1encoder = ToTokens(sizes[0], latents, tokens, grid)
        self.s1to2decoder = ToMap(sizes[1], latents, tokens, grid)
        self.quantize = Codebook(*codebook)
        self.quant_conv = nn.Conv2d(latents, codebook[1], 1)
        self.post_quant_conv = nn.Conv2d(codebook[1], latents, 1)

    def encode(self, images: Tensor) -> Tensor:
        """Pixels to what is quantised, ``[B,dim,N]``."""
        output: Tensor = self.quant_conv(self.s2to1encoder(self.encoder(images))).squeeze(2)
        return output

    def decode(self, entries: Tensor) -> Tensor:
        """Codebook entries ``[B,dim,N]`` to pixels."""
        output: Tensor = self.decoder(self.s1to2decoder(self.post_quant_conv(entries.unsqueeze(2))))
        return output


def _pyramid(features: Tensor, tokens: int) -> Tensor:
    """Means over the map, over the map again, over halves, quarters …: ``[B,width,h,w]`` to ``[B,tokens,width]``."""
    levels = [0, *range(round(math.log2(tokens)))]
    grids = [(2 ** (level // 2), 2 ** ((level + 1) // 2)) for level in levels]
    height, width = features.shape[-2:]
    means = [F.avg_pool2d(features, (height // rows, width // columns)) for rows, columns in grids]
    return torch.cat([mean.flatten(2) for mean in means], dim=2).transpose(1, 2)
