"""Pre-norm transformer blocks in the names of their published files: CLIP's, timm's and SigLIP's.

Sources: Radford et al., 2103.00020; Dosovitskiy et al., 2010.11929; Zhai et al., 2303.15343. All take and return
``float [B,N,width]``, and every token sees all where no mask is given.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from vtbench.networks.attention import Attention

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Trunk:
    """Sizes of a stack of blocks.

    Attributes:
        width: of the tokens.
        layers: blocks.
        heads: of attention; they divide the width.
    """

    width: int
    layers: int
    heads: int


class Block(nn.Module):
    """Self-attention and a perceptron of four times the width, each after a norm and beside a shortcut.

    Names: ``ln_1``, ``attn.in_proj_*``, ``attn.out_proj``, ``ln_2``, ``mlp.c_fc``, ``mlp.c_proj``.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_2 = nn.LayerNorm(width)
        layers = (("c_fc", nn.Linear(width, 4 * width)), ("gelu", nn.GELU()), ("c_proj", nn.Linear(4 * width, width)))
        self.mlp = nn.Sequential(OrderedDict(layers))

    def forward(self, x: Tensor) -> Tensor:
        normed = self.ln_1(x)
        x = x + self.attn(normed, normed, normed, need_weights=False)[0]
        output: Tensor = x + self.mlp(self.ln_2(x))
        return output


class FusedAttention(nn.Module):
    """Attention with one matrix for queries, keys and values. Names: ``qkv``, ``proj``.

    ``turn`` is given queries and keys, ``[B,heads,N,width/heads]``, and tells them their positions.

    Args:
        width: of the tokens.
        heads: divide the width.
        bias: of queries, keys and values; the last matrix has one in any case.
    """

    def __init__(self, width: int, heads: int, *, bias: bool) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width, bias=bias)
        self.proj = nn.Linear(width, width)
        self._heads = heads

    def forward(self, x: Tensor, turn: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        query, key, value = self.qkv(x).unflatten(-1, (3, self._heads, -1)).permute(2, 0, 3, 1, 4)
        if turn is not None:
            query, key = turn(query), turn(key)
        attended = F.scaled_dot_product_attention(query, key, value)
        output: Tensor = self.proj(attended.transpose(1, 2).flatten(2))
        return output


class Perceptron(nn.Module):
    """Two layers with an exact GELU between them, or its ``tanh`` approximation. Names: ``fc1``, ``fc2``."""

    def __init__(self, width: int, hidden: int, *, tanh: bool = False) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)
        self._approximate = "tanh" if tanh else "none"

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.fc2(F.gelu(self.fc1(x), approximate=self._approximate))
        return output


class FusedBlock(nn.Module):
    """timm's block. Names: ``norm1``, ``attn.{qkv,proj}``, ``norm2``, ``mlp.{fc1,fc2}``.

    Args:
        width: of the tokens.
        heads: of attention.
        hidden: channels inside the perceptron.
        bias: of queries, keys and values.
        eps: of the norms.
    """

    def __init__(self, width: int, heads: int, hidden: int, *, bias: bool = True, eps: float = 1e-6) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=eps)
        self.attn = FusedAttention(width, heads, bias=bias)
        self.norm2 = nn.LayerNorm(width, eps=eps)
        self.mlp = Perceptron(width, hidden)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        output: Tensor = x + self.mlp(self.norm2(x))
        return output


class Gain(nn.Module):
    """A learnt gain a channel. Name: ``gamma``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((width,), 1e-5))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


class GainedBlock(FusedBlock):
    """timm's block with a gain on each branch, as DINOv2's. Names: also ``ls1``, ``ls2``."""

    def __init__(self, trunk: Trunk) -> None:
        super().__init__(trunk.width, trunk.heads, 4 * trunk.width)
        self.ls1, self.ls2 = Gain(trunk.width), Gain(trunk.width)

    def forward(self, x: Tensor, turn: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        x = x + self.ls1(self.attn(self.norm1(x), turn))
        output: Tensor = x + self.ls2(self.mlp(self.norm2(x)))
        return output


class SiglipLayer(nn.Module):
    """Queries, keys and values apart. Names: ``layer_norm1``, ``self_attn``, ``layer_norm2``, ``mlp``.

    Args:
        width: of the tokens.
        heads: of attention.
        hidden: channels inside the perceptron.
    """

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.layer_norm1, self.layer_norm2 = (nn.LayerNorm(width, eps=1e-6) for _ in range(2))
        self.self_attn = Attention(width, heads)
        self.mlp = Perceptron(width, hidden, tanh=True)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """``mask``, ``bool [N,N]``, is true where the second is seen by the first."""
        x = x + self.self_attn(self.layer_norm1(x), mask)
        output: Tensor = x + self.mlp(self.layer_norm2(x))
        return output
