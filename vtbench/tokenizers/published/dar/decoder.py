"""D-AR's denoiser, a transformer over patches of pixels, and the attention that the encoder has too.

Sources: Gao and Shou, D-AR: Diffusion via Autoregressive Models, 2505.23660; modulation by the time after Peebles and
Xie, Scalable Diffusion Models with Transformers, 2212.09748; rotary positions after Su et al., RoFormer, 2104.09864.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from timm.layers.mlp import Mlp
from timm.layers.pos_embed_sincos import apply_rot_embed, build_rotary_pos_embed
from torch import nn

from vtbench.networks.modulation import EPS, modulated, norm, waves

if TYPE_CHECKING:
    from torch import Tensor

HEAD = 64
"""Channels of an attention head."""

Turn = tuple["Tensor", "Tensor"]


def perceptron(width: int) -> nn.Module:
    """Two matrices, four times as wide between them. Names: ``fc1``, ``fc2``."""
    made: nn.Module = Mlp(width, 4 * width, act_layer=nn.SiLU)
    return made


def turns(rows: int, columns: int, device: torch.device) -> Turn:
    """Sine and cosine of every place's angles, ``[rows*columns,HEAD]``: half the channels by row, half by column."""
    sine, cosine = build_rotary_pos_embed([rows, columns], dim=HEAD, in_pixels=False, device=device)
    return sine, cosine


class Attention(nn.Module):
    """Of tokens ``[B,N,width]`` among themselves or to a memory ``[B,M,width]``, queries and keys normed head by head.

    A ``turn`` is of the tokens: of the keys too where they are the tokens, not where they are a memory. ``mask`` is
    true where a query (rows) may look.

    Names: ``q``, ``k``, ``v``, ``q_norm``, ``k_norm``, ``proj``.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.q, self.k, self.v, self.proj = (nn.Linear(width, width) for _ in range(4))
        self.q_norm, self.k_norm = nn.LayerNorm(HEAD, eps=EPS), nn.LayerNorm(HEAD, eps=EPS)

    def forward(
        self, x: Tensor, memory: Tensor | None = None, turn: Turn | None = None, mask: Tensor | None = None
    ) -> Tensor:
        source = x if memory is None else memory
        query, key, value = (
            layer(tokens).unflatten(-1, (-1, HEAD)).transpose(1, 2)
            for layer, tokens in ((self.q, x), (self.k, source), (self.v, source))
        )
        query, key = self.q_norm(query), self.k_norm(key)
        if turn is not None:
            query = apply_rot_embed(query, *turn).to(value.dtype)
            key = apply_rot_embed(key, *turn).to(value.dtype) if memory is None else key
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        output: Tensor = self.proj(attended.transpose(1, 2).flatten(2))
        return output


class TimeEmbedding(nn.Module):
    """A time from 0 to 1, a scalar, to ``[width]``, through cosines and sines of it in thousandths. Name: ``mlp``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self._width = width

    def forward(self, time: Tensor) -> Tensor:
        output: Tensor = self.mlp(waves(time, self._width).to(next(self.mlp.parameters()).dtype))
        return output


class DenoiserBlock(nn.Module):
    """Attention and a perceptron, modulated at every patch by the time and by what the patch sees in the condition.

    Names: ``cross_attn``, ``cond_embed``, ``time_embed``, ``adaLN_modulation``, ``attention``, ``mlp``.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention, self.cross_attn = Attention(width), Attention(width)
        self.mlp = perceptron(width)
        self.time_embed = TimeEmbedding(width)
        self.cond_embed = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))

    def forward(self, x: Tensor, condition: Tensor, time: Tensor, turn: Turn) -> Tensor:
        seen = self.cross_attn(norm(x), norm(self.cond_embed(condition)), turn=turn)
        changes = self.adaLN_modulation(self.time_embed(time) + seen).chunk(6, dim=-1)
        x = x + changes[2] * self.attention(modulated(x, *changes[:2]), turn=turn)
        output: Tensor = x + changes[5] * self.mlp(modulated(x, *changes[3:5]))
        return output


class Denoiser(nn.Module):
    """A noisy image ``[B,3,H,W]``, a condition ``[B,M,width]`` and a scalar time to a velocity ``[B,3,H,W]``.

    Names: ``conv_in``, ``cond_mlp``, ``blocks``, ``conv_out``.

    Args:
        width: channels of a patch, and of the condition.
        depth: blocks.
        patch: side of a patch.
    """

    def __init__(self, width: int, depth: int, patch: int) -> None:
        super().__init__()
        self._patch = patch
        self.cond_mlp = nn.Linear(width, width)
        self.conv_in = nn.Conv2d(3 * patch**2, width, 1)
        self.blocks = nn.ModuleList(DenoiserBlock(width) for _ in range(depth))
        self.conv_out = nn.Conv2d(width, 3 * patch**2, 1)

    def forward(self, images: Tensor, condition: Tensor, time: Tensor) -> Tensor:
        condition = norm(self.cond_mlp(condition))
        patches = self.conv_in(F.pixel_unshuffle(images, self._patch))
        rows, columns = patches.shape[-2:]
        turn = turns(rows, columns, images.device)
        x = patches.flatten(2).transpose(1, 2)
        for block in self.blocks:
            x = block(x, condition, time, turn)
        places = norm(x).transpose(1, 2).reshape(patches.shape)
        return F.pixel_shuffle(self.conv_out(places), self._patch)
