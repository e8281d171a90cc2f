"""Taming transformers' GPT in the names of its published file: GPT-2's blocks over one table of codes and classes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vtbench.networks.decoder_transformer import causal_mask
from vtbench.networks.key_value_cache import CacheGeometry, KeyValueCache


@dataclass(frozen=True)
class TamingGeometry:
    """Sizes of the network.

    Attributes:
        depth: blocks.
        heads: of attention.
        width: channels.
        vocabulary: entries of the tokenizer's codebook; a class is the entry of its number.
        grid: tokens along one side.
    """

    depth: int
    heads: int
    width: int
    vocabulary: int = 16384
    grid: int = 16

    @property
    def tokens(self) -> int:
        """Tokens of an image, and positions: the class has the first, the last token none."""
        return self.grid * self.grid


SIZES = {"cin": TamingGeometry(48, 24, 1536), "tiny": TamingGeometry(2, 4, 64, grid=4)}
"""The published size, and one for tests that no file has."""


class SelfAttention(nn.Module):
    """Attention with a matrix and a bias each for queries, keys, values and the outcome."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.key, self.query, self.value, self.proj = (nn.Linear(width, width) for _ in range(4))
        self._heads = heads

    def forward(self, x: Tensor, mask: Tensor | None, cache: KeyValueCache | None, layer: int) -> Tensor:
        batch, length, width = x.shape
        query, key, value = (
            matrix(x).view(batch, length, self._heads, -1).transpose(1, 2)
            for matrix in (self.query, self.key, self.value)
        )
        if cache is not None:
            key, value = cache.extended(layer, key, value)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        output: Tensor = self.proj(attended.transpose(1, 2).reshape(batch, length, width))
        return output


class Block(nn.Module):
    """Pre-norm attention and feed-forward, with an exact GELU."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = SelfAttention(width, heads)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor, mask: Tensor | None, cache: KeyValueCache | None, layer: int) -> Tensor:
        x = x + self.attn(self.ln1(x), mask, cache, layer)
        output: Tensor = x + self.mlp(self.ln2(x))
        return output


class TamingNetwork(nn.Module):
    """Predicts token t of an image from its class and the tokens before it.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: TamingGeometry) -> None:
        super().__init__()
        self.geometry = geometry
        width = geometry.width
        self.tok_emb = nn.Embedding(geometry.vocabulary, width)
        self.pos_emb = nn.Parameter(torch.zeros(1, geometry.tokens, width))
        self.blocks = nn.ModuleList(Block(width, geometry.heads) for _ in range(geometry.depth))
        self.ln_f = nn.LayerNorm(width)
        self.head = nn.Linear(width, geometry.vocabulary, bias=False)

    @property
    def tokens(self) -> int:
        """Tokens of an image."""
        return self.geometry.tokens

    def make_cache(self, batch: int) -> KeyValueCache:
        """An empty cache for so many sequences, in the precision of the weights; the last token is never fed."""
        sizes = self.geometry
        held = CacheGeometry(sizes.depth, sizes.heads, sizes.tokens, sizes.width // sizes.heads)
        return KeyValueCache(held, batch, self.head.weight)

    def prefill(self, condition: Tensor, cache: KeyValueCache) -> Tensor:
        """Labels ``int64 [B]`` to logits ``[B,V]`` of token 0."""
        return self._run(condition[:, None], cache)[:, -1]

    def step(self, tokens: Tensor, cache: KeyValueCache) -> Tensor:
        """The next G tokens ``int64 [B,G]`` to the logits ``[B,G,V]`` of those after each."""
        return self._run(tokens, cache)

    def forward(self, condition: Tensor, tokens: Tensor) -> Tensor:
        """Logits of all tokens at once, without a cache.

        Args:
            condition: labels ``int64 [B]``.
            tokens: ``int64 [B,T]``, the first T of each image, fewer than all.

        Returns:
            ``[B,T+1,V]``: position t holds the logits of token t.
        """
        return self._run(torch.cat([condition[:, None], tokens], dim=1), None)

    def _run(self, indices: Tensor, cache: KeyValueCache | None) -> Tensor:
        past, length = 0 if cache is None else cache.length, indices.shape[1]
        x = self.tok_emb(indices) + self.pos_emb[:, past : past + length]
        mask = causal_mask(length, past, x.device)
        for layer, block in enumerate(self.blocks):
            x = block(x, mask, cache, layer)
        if cache is not None:
            cache.advance(length)
        logits: Tensor = self.head(self.ln_f(x))
        return logits
