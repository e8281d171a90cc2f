"""A layer of SigLIP's vision transformer (Zhai et al., 2303.15343), with the names that transformers gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from vtbench.networks.attention import Attention
from vtbench.networks.vision_transformer import Perceptron

if TYPE_CHECKING:
    from torch import Tensor

EPSILON = 1e-6


class Layer(nn.Module):
    """Names: ``layer_norm1``, ``self_attn``, ``layer_norm2``, ``mlp``."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.layer_norm1, self.layer_norm2 = (nn.LayerNorm(width, eps=EPSILON) for _ in range(2))
        self.self_attn = Attention(width, heads)
        self.mlp = Perceptron(width, hidden, tanh=True)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = x + self.self_attn(self.layer_norm1(x), mask)
        output: Tensor = x + self.mlp(self.layer_norm2(x))
        return output
