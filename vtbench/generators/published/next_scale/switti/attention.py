"""Self-attention and attention to text under the names of Switti's files.

Queries and keys are normed over the channels of all heads, without weights; then those among themselves are turned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import nn

from vtbench.networks.modulation import norm
from vtbench.networks.rotary import rotate

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.networks.key_value_cache import KeyValueCache


class SelfAttention(nn.Module):
    """Names: ``to_qkv``, ``proj``.

    Args:
        width: of the positions.
        heads: divide the width.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.to_qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self._heads = heads

    def forward(
        self, x: Tensor, mask: Tensor | None, cache: KeyValueCache | None, layer: int, rotations: Tensor
    ) -> Tensor:
        """``[R,T,width]`` to the same.

        Args:
            x: the positions.
            mask: ``bool [T,S]``, true where a query (row) sees a key; ``None`` for all.
            cache: keys and values so far; S counts them. ``None`` where positions see one another alone.
            layer: of the cache.
            rotations: ``float32 [T,head_width/2,2]``.
        """
        query, key, value = self.to_qkv(x).chunk(3, dim=-1)
        query, key = (rotate(_split(norm(part), self._heads), rotations).transpose(1, 2) for part in (query, key))
        value = _split(value, self._heads).transpose(1, 2)
        if cache is not None:
            key, value = cache.extended(layer, key, value)
        found = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        output: Tensor = self.proj(found.transpose(1, 2).flatten(2))
        return output


class TextAttention(nn.Module):
    """Every position asks the text. Names: ``to_q``, ``to_kv``, ``proj``.

    Args:
        width: of the positions.
        text_width: of a token of text.
        heads: divide the width.
    """

    def __init__(self, width: int, text_width: int, heads: int) -> None:
        super().__init__()
        self.to_q = nn.Linear(width, width)
        self.to_kv = nn.Linear(text_width, 2 * width)
        self.proj = nn.Linear(width, width)
        self._heads = heads

    def told(self, text: Tensor) -> tuple[Tensor, Tensor]:
        """Text ``[R,S,text_width]`` to its keys and values ``[R,heads,S,head_width]``, which all scales ask."""
        key, value = self.to_kv(text).chunk(2, dim=-1)
        return _split(norm(key), self._heads).transpose(1, 2), _split(value, self._heads).transpose(1, 2)

    def forward(self, x: Tensor, told: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        """``[R,T,width]`` to the same, of keys and values by :meth:`told` and the mask ``bool [R,S]`` of the text."""
        query = _split(norm(self.to_q(x)), self._heads).transpose(1, 2)
        found = F.scaled_dot_product_attention(query, *told, attn_mask=mask[:, None, None])
        output: Tensor = self.proj(found.transpose(1, 2).flatten(2))
        return output


def _split(x: Tensor, heads: int) -> Tensor:
    return x.view(*x.shape[:-1], heads, -1)
