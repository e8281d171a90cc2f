"""UniTok's network (Ma et al., UniTok, 2502.20321): ViTamin on either side of several codebooks.

The encoder is ViTamin's (Chen et al., ViTamin, 2404.02132): timm's convolutions, then timm's transformer blocks. The
decoder has as many such blocks, then the convolutions turned round. No position is learnt; convolutions alone tell it.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from timm.layers import GELUTanh
from timm.layers.norm import LayerNorm2d
from timm.models.vision_transformer import Block
from timm.models.vitamin import GeGluMlp, MbConvStages, VitCfg
from torch import nn

from vtbench.networks.sizes import Sizes

if TYPE_CHECKING:
    from torch import Tensor

SIZES = Sizes("unitok-vq", {"nano": ((16, 32, 64), 2, 4), "large": ((160, 320, 1024), 31, 16)})
"""Widths of both convolutional stages and of the transformer, its layers and its heads; ``nano`` is for tests."""
EXPANSION = 4
"""Width inside a convolutional block, as a multiple of its output's."""
EPS = 1e-6


class Attention(nn.Module):
    """Self-attention from one width to another, with heads as wide as the narrower of the two.

    Heads are joined on the way up and averaged on the way down. Keys have no bias. Takes ``float [B,N,inputs]``, gives
    ``[B,N,outputs]``. Names: ``qkv``, ``q_bias``, ``v_bias``, ``proj``.
    """

    def __init__(self, inputs: int, outputs: int, *, causal: bool) -> None:
        super().__init__()
        wide = max(inputs, outputs)
        self.qkv = nn.Linear(inputs, 3 * wide, bias=False)
        self.q_bias, self.v_bias = nn.Parameter(torch.zeros(wide)), nn.Parameter(torch.zeros(wide))
        self.proj = nn.Linear(outputs, outputs)
        self._head_width, self._averaged, self._causal = min(inputs, outputs), inputs > outputs, causal

    def forward(self, x: Tensor) -> Tensor:
        bias = torch.cat((self.q_bias, torch.zeros_like(self.q_bias), self.v_bias))
        parts = F.linear(x, self.qkv.weight, bias).reshape(*x.shape[:2], 3, -1, self._head_width)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(query, key, value, is_causal=self._causal)
        output: Tensor = self.proj(attended.mean(1) if self._averaged else attended.transpose(1, 2).flatten(2))
        return output


class Projection(nn.Module):
    """Tokens ``[B,N,inputs]`` to ``[B,N,outputs]``: attention beside a matrix, then a gated perceptron.

    Names: ``norm1``, ``attn``, ``norm3``, ``proj``, ``norm2``, ``mlp``.
    """

    def __init__(self, inputs: int, outputs: int, *, causal: bool) -> None:
        super().__init__()
        self.norm1, self.norm3, self.norm2 = nn.LayerNorm(inputs), nn.LayerNorm(inputs), nn.LayerNorm(outputs)
        self.attn = Attention(inputs, outputs, causal=causal)
        self.proj = nn.Linear(inputs, outputs)
        self.mlp = GeGluMlp(outputs, 2 * outputs, act_layer="gelu_tanh")

    def forward(self, x: Tensor) -> Tensor:
        x = self.proj(self.norm3(x)) + self.attn(self.norm1(x))
        output: Tensor = x + self.mlp(self.norm2(x))
        return output


class Upsample(nn.Module):
    """Double the sides by repetition, then a 3x3 convolution. Name: ``conv``."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return output


class InvertedBlock(nn.Module):
    """Widen, look around in every channel alone, narrow; where sides are doubled, it is done while wide.

    Names: ``pre_norm``, ``conv1_1x1``, ``up``, ``conv2_kxk``, ``conv3_1x1``, ``shortcut``.
    """

    def __init__(self, inputs: int, outputs: int, *, double: bool) -> None:
        super().__init__()
        wide = EXPANSION * outputs
        self.pre_norm = LayerNorm2d(inputs, eps=EPS)
        self.conv1_1x1 = nn.Conv2d(inputs, wide, 1)
        self.up = Upsample(wide, wide) if double else nn.Identity()
        self.conv2_kxk = nn.Conv2d(wide, wide, 3, padding=1, groups=wide)
        self.conv3_1x1 = nn.Conv2d(wide, outputs, 1)
        self.shortcut = Upsample(inputs, outputs) if double else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.up(F.gelu(self.conv1_1x1(self.pre_norm(x))))
        hidden = self.conv3_1x1(F.gelu(self.conv2_kxk(hidden)))
        output: Tensor = hidden + self.shortcut(x)
        return output


class Last(nn.Module):
    """Double the sides and paint. Names: ``conv1``, ``norm1``, ``conv2``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = Upsample(width, width), LayerNorm2d(width, eps=EPS)
        self.conv2 = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.conv2(F.gelu(self.norm1(self.conv1(x))))
        return output


class Encoder(nn.Module):
    """Pixels ``[B,3,16h,16w]`` to features ``[B,C,h,w]``.

    Names: ``patch_embed.backbone``, ``pos_embed``, ``blocks``, ``norm``.
    """

    def __init__(self, size: str) -> None:
        super().__init__()
        widths = SIZES[size][0]
        stages = MbConvStages(VitCfg(embed_dim=widths, depths=(2, 4, 1), stem_width=widths[0]))
        self.patch_embed = nn.ModuleDict({"backbone": stages})
        self.pos_embed = nn.Parameter(torch.zeros(1, 1, widths[-1]))  # one for all positions; training left it at zero
        self.blocks, self.norm = _transformer(size)

    def forward(self, images: Tensor) -> Tensor:
        features = self.patch_embed["backbone"](images)
        x = self.norm(self.blocks(_tokens(features) + self.pos_embed))
        return _map(x, features)


class Decoder(nn.Module):
    """Features ``[B,C,h,w]`` to pixels ``[B,3,16h,16w]``. Names: ``blocks``, ``norm``, ``up_conv1`` to ``up_conv4``."""

    def __init__(self, size: str) -> None:
        super().__init__()
        fine, middle, width = SIZES[size][0]
        self.blocks, self.norm = _transformer(size)
        self.up_conv1 = Upsample(width, middle)
        self.up_conv2, self.up_conv3 = _stage(middle, middle, 4), _stage(middle, fine, 2)
        self.up_conv4 = Last(fine)

    def forward(self, features: Tensor) -> Tensor:
        x = _map(self.norm(self.blocks(_tokens(features))), features)
        output: Tensor = self.up_conv4(self.up_conv3(self.up_conv2(self.up_conv1(x))))
        return output


class Network(nn.Module):
    """Names: ``encoder``, ``quant_proj``, ``quantizer.codebooks.N.codebook``, ``post_quant_proj``, ``decoder``.

    Args:
        size: one of ``SIZES``.
        codebooks: how many there are.
        codebook: entries and width of each; all widths together divide the transformer's.
        causal: whether the projections' tokens see only those before them, row by row.
    """

    def __init__(self, size: str, codebooks: int, codebook: tuple[int, int], *, causal: bool) -> None:
        super().__init__()
        width, narrow = SIZES[size][0][-1], codebooks * codebook[1]
        self.encoder, self.decoder = Encoder(size), Decoder(size)
        self.quant_proj = Projection(width, narrow, causal=causal)
        self.post_quant_proj = Projection(narrow, width, causal=causal)
        each = [nn.ModuleDict({"codebook": nn.Embedding(*codebook)}) for _ in range(codebooks)]
        self.quantizer = nn.ModuleDict({"codebooks": nn.ModuleList(each)})

    @property
    def codebooks(self) -> list[nn.Embedding]:
        """The codebooks, in the order of the channels they quantise."""
        listed: Any = self.quantizer["codebooks"]
        return [each["codebook"] for each in listed]

    def encode(self, images: Tensor) -> Tensor:
        """Pixels ``[B,3,16h,16w]`` to what is quantised, ``[B,C,h,w]``: channels of the first codebook first."""
        features = self.encoder(images)
        return _map(self.quant_proj(_tokens(features)), features)

    def decode(self, entries: Tensor) -> Tensor:
        """Codebook entries ``[B,C,h,w]`` to pixels."""
        output: Tensor = self.decoder(_map(self.post_quant_proj(_tokens(entries)), entries))
        return output


def _transformer(size: str) -> tuple[nn.Sequential, nn.LayerNorm]:
    """Blocks and the norm after them. UniTok approximates GELU in its perceptrons, where timm's ViTamin does not."""
    (*_, width), layers, heads = SIZES[size]
    norm: Any = partial(nn.LayerNorm, eps=EPS)
    block = partial(Block, qkv_bias=True, act_layer=GELUTanh, mlp_layer=GeGluMlp, norm_layer=norm)
    return nn.Sequential(*(block(width, heads, 2.0) for _ in range(layers))), norm(width)


def _tokens(features: Tensor) -> Tensor:
    """``[B,C,h,w]`` to ``[B,N,C]``, row by row."""
    return features.flatten(2).transpose(1, 2)


def _map(tokens: Tensor, like: Tensor) -> Tensor:
    """``[B,N,C]`` to ``[B,C,h,w]`` with the sides of ``like``."""
    return tokens.transpose(1, 2).reshape(len(tokens), -1, *like.shape[-2:])


def _stage(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    widths = [inputs] + [outputs] * blocks
    return nn.Sequential(*(InvertedBlock(*pair, double=index == 0) for index, pair in enumerate(pairwise(widths))))
