"""Attention to text, and text as one vector, under the names of Infinity's files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class TextAttention(nn.Module):
    """Names: ``mat_kv.weight``, ``v_bias``, ``zero_k_bias`` (a buffer), ``proj``, ``mat_q``.

    Args:
        width: of what asks and of what comes out.
        text_width: of a token of text.
        heads: divide the width.
        rounded: in float32, questions, keys, values and the result are rounded to bfloat16.
    """

    zero_k_bias: Tensor

    def __init__(self, width: int, text_width: int, heads: int, *, rounded: bool) -> None:
        super().__init__()
        self.mat_kv = nn.Linear(text_width, 2 * width, bias=False)
        self.v_bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("zero_k_bias", torch.zeros(width))
        self.proj = nn.Linear(width, width)
        self._heads, self._rounded = heads, rounded

    def attended(self, query: Tensor, text: Tensor, mask: Tensor) -> Tensor:
        """Questions ``[R,heads,T,D]`` on text ``[R,S,text_width]`` of the mask ``bool [R,S]`` to ``[R,T,width]``."""
        bias = torch.cat([self.zero_k_bias, self.v_bias])
        pairs = F.linear(text, self.mat_kv.weight, bias).view(*text.shape[:2], 2, self._heads, -1)
        key, value = (part.transpose(1, 2) for part in pairs.unbind(2))
        if self._rounded:
            query, key, value = (part.bfloat16().to(part) for part in (query, key, value))
        found = F.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None])
        if self._rounded:
            found = found.bfloat16().to(found)
        output: Tensor = self.proj(found.transpose(1, 2).flatten(2))
        return output


class CrossAttention(TextAttention):
    """Every position asks."""

    def __init__(self, width: int, text_width: int, heads: int, *, rounded: bool) -> None:
        super().__init__(width, text_width, heads, rounded=rounded)
        self.mat_q = nn.Linear(width, width)

    def forward(self, x: Tensor, text: Tensor, mask: Tensor) -> Tensor:
        """``[R,T,width]``, text and mask as :meth:`TextAttention.attended` takes them, to ``[R,T,width]``."""
        query = self.mat_q(x).unflatten(-1, (self._heads, -1)).transpose(1, 2)
        return self.attended(query, text, mask)


class PoolingAttention(TextAttention):
    """A learnt question a head."""

    def __init__(self, width: int, text_width: int, heads: int, *, rounded: bool) -> None:
        super().__init__(width, text_width, heads, rounded=rounded)
        self.mat_q = nn.Parameter(torch.randn(1, heads, width // heads) * (3 * width) ** -0.5)

    def forward(self, text: Tensor, mask: Tensor) -> Tensor:
        """Text and mask to ``[R,width]``."""
        query = self.mat_q.expand(len(text), -1, -1)[:, :, None]
        return self.attended(query, text, mask)[:, 0]


class TextPooling(nn.Module):
    """Text as one vector. Names: those of :class:`PoolingAttention` below ``ca``."""

    def __init__(self, width: int, text_width: int, heads: int, *, rounded: bool) -> None:
        super().__init__()
        self.ca = PoolingAttention(width, text_width, heads, rounded=rounded)

    def forward(self, text: Tensor, mask: Tensor) -> Tensor:
        """As :meth:`PoolingAttention.forward`."""
        output: Tensor = self.ca(text, mask)
        return output
