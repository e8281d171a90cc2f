"""Self-attention under the names of VAR's files: one matrix for queries, keys and values, no bias of the keys."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import torch
import torch.nn.functional as F
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

LARGEST_LOGARITHM = math.log(100)
"""Cosine attention multiplies no query by more than 100."""
PLAIN_SCALE = 0.25
"""VAR's softmax scale without cosine norm is a quarter of the usual one."""


class ScaleMemory(Protocol):
    """What a network keeps of the scales so far. A pass calls :meth:`advance` at its end."""

    length: int
    """Positions that every layer was given before this pass, whatever was kept of them."""

    @property
    def nbytes(self) -> int:
        """Bytes it takes now."""

    @property
    def peak_nbytes(self) -> int:
        """Bytes it took at most since it was made or halved."""

    def advance(self, positions: int) -> None:
        """Every layer has got so many."""

    def halved(self) -> None:
        """Keep the first half of the sequences: what follows is not guided any more."""


class ScaleCache(ScaleMemory, Protocol):
    """Keys and values of the scales so far; :class:`~vtbench.networks.key_value_cache.KeyValueCache` keeps them all.

    A pass calls :meth:`extended` and :meth:`attended` once a layer, in this order.
    """

    def extended(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """New keys and values ``[R,heads,T,D]`` of a layer to those that its queries see, the new ones last."""

    def seen(self, layer: int) -> Tensor | None:
        """``bool``, broadcast to ``[R,heads,T,S]``: which of what :meth:`extended` gave last a head sees; ``None`` for
        all."""

    def attended(self, layer: int, query: Tensor, raw: Callable[[], Tensor]) -> None:
        """What the layer asked with: ``query [R,heads,T,D]`` as attention used it, the scale of the softmax included,
        and ``raw`` for what the matrix alone makes of the input, without bias, norm and rotation. A cache may forget
        what was hardly looked at."""


class ScaleAttention(nn.Module):
    """Names: ``mat_qkv.weight``, ``q_bias``, ``v_bias``, ``zero_k_bias`` (a buffer), ``proj``, ``scale_mul_1H11``.

    Args:
        width: of the positions.
        heads: divide the width.
        cosine: queries and keys have length 1, and a learnt factor a head takes the place of the softmax scale. Both
            are normed and rotated in float32; attention is in the precision of the values.
    """

    zero_k_bias: Tensor

    def __init__(self, width: int, heads: int, *, cosine: bool) -> None:
        super().__init__()
        self.mat_qkv = nn.Linear(width, 3 * width, bias=False)
        self.q_bias = nn.Parameter(torch.zeros(width))
        self.v_bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("zero_k_bias", torch.zeros(width))
        self.proj = nn.Linear(width, width)
        if cosine:
            self.scale_mul_1H11 = nn.Parameter(torch.full((1, heads, 1, 1), math.log(4.0)))
        self._heads, self._cosine = heads, cosine
        self._scale = 1.0 if cosine else PLAIN_SCALE / math.sqrt(width // heads)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None,
        cache: ScaleCache | None,
        layer: int,
        turn: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:
        """``[R,T,width]`` to the same.

        Args:
            x: the positions.
            mask: ``bool [T,S]``, true where a query (row) sees a key; ``None`` for all.
            cache: keys and values so far; S counts them. ``None`` where positions see one another alone.
            layer: of the cache.
            turn: rotation of queries and keys ``[R,heads,T,D]``, after the norm.
        """
        bias = torch.cat([self.q_bias, self.zero_k_bias, self.v_bias])
        projected = F.linear(x, self.mat_qkv.weight, bias).view(*x.shape[:2], 3, self._heads, -1)
        query, key, value = (part.transpose(1, 2) for part in projected.unbind(2))
        asked = query
        if self._cosine:
            factor = self.scale_mul_1H11.clamp_max(LARGEST_LOGARITHM).exp()
            query, key = F.normalize(query.float(), dim=-1) * factor.float(), F.normalize(key.float(), dim=-1)
        if turn is not None:
            query, key = turn(query), turn(key)
        if cache is not None:
            key, value = cache.extended(layer, key, value)
            mask = both(mask, cache.seen(layer))
        asking, seen = query.to(value.dtype), key.to(value.dtype)
        attended = F.scaled_dot_product_attention(asking, seen, value, attn_mask=mask, scale=self._scale)
        if cache is not None:
            scaled = query if self._scale == 1.0 else query * self._scale
            cache.attended(layer, scaled, lambda: asked - self.q_bias.view(self._heads, 1, -1))
        output: Tensor = self.proj(attended.transpose(1, 2).flatten(2))
        return output


def both(first: Tensor | None, second: Tensor | None) -> Tensor | None:
    """Masks joined: true where both are; ``None`` is true everywhere."""
    if first is None or second is None:
        return second if first is None else first
    return first & second
