"""The pre-norm transformer block of CLIP's vision towers (Radford et al., 2103.00020), with its published names."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class Block(nn.Module):
    """Self-attention and a perceptron of four times the width, each after a norm and beside a shortcut.

    Takes and returns ``float [B,N,width]``. Names: ``ln_1``, ``attn.in_proj_*``, ``attn.out_proj``, ``ln_2``,
    ``mlp.c_fc``, ``mlp.c_proj``.
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
