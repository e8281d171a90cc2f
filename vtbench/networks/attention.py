"""Self-attention whose queries, keys and values have matrices of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class Attention(nn.Module):
    """Tokens ``[B,N,width]`` to the same; each sees all, or those where ``mask`` (``bool [N,N]``) is true, or earlier
    ones and itself.

    Names: ``q_proj``, ``k_proj``, ``v_proj``, ``out_proj``.

    Args:
        width: of the tokens.
        heads: divide the width.
        bias: of queries, keys and values; the last matrix has one in any case.
        causal: tokens see no later ones.
    """

    def __init__(self, width: int, heads: int, *, bias: bool = True, causal: bool = False) -> None:
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(width, width, bias=bias) for _ in range(3))
        self.out_proj = nn.Linear(width, width)
        self._heads, self._causal = heads, causal

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        layers = (self.q_proj, self.k_proj, self.v_proj)
        query, key, value = (layer(x).unflatten(-1, (self._heads, -1)).transpose(1, 2) for layer in layers)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=self._causal)
        output: Tensor = self.out_proj(attended.transpose(1, 2).flatten(2))
        return output
