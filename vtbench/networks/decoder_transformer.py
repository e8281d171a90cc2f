"""Decoder blocks of the Llama kind: RMS norms, fused attention, SwiGLU, no bias; positions and mask are given.

LlamaGen, NAR, GigaTok, D-AR, Hita, DetailFlow, ELM, Open-MAGVIT2 and IBQ publish weights in these names.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vtbench.networks.key_value_cache import CacheGeometry, KeyValueCache
from vtbench.networks.ragged_cache import RaggedCache
from vtbench.networks.rotary import rotate


@dataclass(frozen=True)
class DecoderGeometry:
    """Sizes of a stack of blocks.

    Attributes:
        depth: blocks.
        heads: of attention.
        width: channels.
        hidden: channels inside the feed-forward part.
        eps: of the norms.
    """

    depth: int
    heads: int
    width: int
    hidden: int
    eps: float = 1e-5

    @property
    def head_width(self) -> int:
        """Channels of a head."""
        return self.width // self.heads

    def cache(self, length: int) -> CacheGeometry:
        """What its cache must hold for so many positions."""
        return CacheGeometry(self.depth, self.heads, length, self.head_width)


def swiglu_width(width: int, multiple: int = 256) -> int:
    """Two thirds of four times the width, rounded up to a multiple: Llama's feed-forward width."""
    return -(-int(2 * 4 * width / 3) // multiple) * multiple


class RmsNorm(nn.Module):
    """Root-mean-square norm: normalised in float32, cast back, then scaled."""

    def __init__(self, width: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self._eps = eps

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        normed = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self._eps)
        return normed.type_as(x) * self.weight


class SelfAttention(nn.Module):
    """Attention with one matrix for queries, keys and values."""

    def __init__(self, geometry: DecoderGeometry) -> None:
        super().__init__()
        self.wqkv = nn.Linear(geometry.width, 3 * geometry.width, bias=False)
        self.wo = nn.Linear(geometry.width, geometry.width, bias=False)
        self._heads = geometry.heads

    def forward(
        self,
        x: Tensor,
        turns: Tensor | None,
        mask: Tensor | None,
        cache: KeyValueCache | None,
        layer: int,
        added: Tensor | None = None,
    ) -> Tensor:
        batch, length, width = x.shape
        query, key, value = self.wqkv(x).view(batch, length, 3, self._heads, -1).unbind(2)
        if turns is not None:
            query, key = rotate(query, turns), rotate(key, turns)
        if added is not None:
            query, key = query + added, key + added
        query, key, value = (part.transpose(1, 2) for part in (query, key, value))
        if cache is not None:
            key, value = cache.extended(layer, key, value)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        output: Tensor = self.wo(attended.transpose(1, 2).reshape(batch, length, width))
        return output


class FeedForward(nn.Module):
    """SwiGLU: ``w2(silu(w1 x) · w3 x)``."""

    def __init__(self, geometry: DecoderGeometry) -> None:
        super().__init__()
        self.w1 = nn.Linear(geometry.width, geometry.hidden, bias=False)
        self.w3 = nn.Linear(geometry.width, geometry.hidden, bias=False)
        self.w2 = nn.Linear(geometry.hidden, geometry.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.w2(F.silu(self.w1(x)) * self.w3(x))
        return output


class DecoderBlock(nn.Module):
    """Pre-norm attention and feed-forward."""

    def __init__(self, geometry: DecoderGeometry) -> None:
        super().__init__()
        self.attention = SelfAttention(geometry)
        self.feed_forward = FeedForward(geometry)
        self.attention_norm = RmsNorm(geometry.width, geometry.eps)
        self.ffn_norm = RmsNorm(geometry.width, geometry.eps)

    def forward(
        self,
        x: Tensor,
        turns: Tensor | None,
        mask: Tensor | None,
        cache: KeyValueCache | None,
        layer: int,
        added: Tensor | None = None,
    ) -> Tensor:
        """One block.

        Args:
            x: ``[B,T,width]``.
            turns: ``float32 [T,head_width/2,2]`` or ``[B,T,head_width/2,2]`` of :mod:`.rotary`; ``None``
                where positions are added before.
            mask: ``bool [T,S]`` or ``[B,1,T,S]``, true where a query (row) sees a key; ``None`` for all.
            cache: keys and values so far; S counts them.
            layer: of the cache.
            added: ``[T,heads,head_width]`` to queries and keys, behind the rotation (Hita).
        """
        x = x + self.attention(self.attention_norm(x), turns, mask, cache, layer, added)
        output: Tensor = x + self.feed_forward(self.ffn_norm(x))
        return output


def run_causally(
    blocks: Iterable[nn.Module],
    x: Tensor,
    turns: Tensor | None,
    cache: KeyValueCache | None,
    *given: Tensor,
    padding: Tensor | None = None,
) -> Tensor:
    """``[B,T,width]`` through every block, each position seeing those before it and itself.

    Args:
        blocks: called as :meth:`DecoderBlock.forward` is.
        x: the positions after those that the cache holds.
        turns: of all positions from the first on; ``None`` where positions are added before.
        cache: keys and values so far, which those of ``x`` join; ``None`` for a sequence at once.
        given: to every block behind the rest, e.g. what modulates it.
        padding: ``bool [B,P]``, which of the first P positions are filled up, of a sequence at once; a cache has its
            own.
    """
    length = x.shape[1]
    rows = None if turns is None else rows_of(turns, length, cache)
    if isinstance(cache, RaggedCache):
        mask: Tensor | None = cache.mask()
    else:
        past, padding = (0, padding) if cache is None else (cache.length, cache.padding)
        mask = causal_mask(length, past, x.device)
        if padding is not None:
            mask = without_padding(mask, padding, length, past)
    for index, block in enumerate(blocks):
        x = block(x, rows, mask, cache, index, *given)
    if cache is not None:
        cache.advance(length)
    return x


def rows_of(table: Tensor, length: int, cache: KeyValueCache | None) -> Tensor:
    """Rows of a table of all positions that belong to the next ``length``: ``[length,…]``, or ``[B,length,…]`` where
    each sequence stands at a position of its own."""
    if isinstance(cache, RaggedCache):
        return cache.rows(table)
    past = 0 if cache is None else cache.length
    return table[past : past + length]


def causal_mask(length: int, past: int, device: torch.device) -> Tensor | None:
    """``bool [T,past+T]``: each of ``length`` new positions sees all before it and itself; ``None`` for one."""
    if length == 1:
        return None
    return torch.ones(length, past + length, dtype=torch.bool, device=device).tril(past)


def without_padding(mask: Tensor | None, padding: Tensor, length: int, past: int) -> Tensor:
    """``bool [B,1,T,past+T]``: a mask in which no position sees what is filled up, but for itself.

    Args:
        mask: ``bool [T,past+T]`` of the last T positions; ``None`` for all seen.
        padding: ``bool [B,P]``, which of the first P positions are filled up.
        length: T.
        past: positions before them.
    """
    total = past + length
    seen = ~F.pad(padding, (0, total - padding.shape[1]))[:, None]
    seen = seen if mask is None else seen & mask
    itself = torch.eye(total, dtype=torch.bool, device=padding.device)[past:]
    return (seen | itself)[:, None]
