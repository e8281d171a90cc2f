"""The network of ``tiny-ar``: a decoder-only transformer over image tokens, with a key-value cache."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class TinyArGeometry:
    """Sizes of the network.

    Attributes:
        classes: class labels; one more stands for "no class", which guidance needs.
        codes: entries of the tokenizer's codebook.
        grid: tokens along one side; an image has ``grid * grid``.
    """

    classes: int
    codes: int
    grid: int
    width: int = 128
    depth: int = 3
    heads: int = 4

    @property
    def tokens(self) -> int:
        """Tokens an image."""
        return self.grid * self.grid


class KeyValueCache:
    """Keys and values of every layer, filled from the left.

    Args:
        geometry: of the network.
        batch: sequences.
        like: gives device and dtype.
    """

    def __init__(self, geometry: TinyArGeometry, batch: int, like: Tensor) -> None:
        shape = (geometry.depth, 2, batch, geometry.heads, geometry.tokens, geometry.width // geometry.heads)
        self._stored = like.new_zeros(shape)
        self.length = 0

    @property
    def nbytes(self) -> int:
        """Bytes it takes."""
        return self._stored.numel() * self._stored.element_size()

    def extended(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """All keys and values of a layer up to and with these, ``[B,heads,T,D]`` each."""
        stop = self.length + key.shape[2]
        for part, new in enumerate((key, value)):
            self._stored[layer, part, :, :, self.length : stop] = new
        return self._stored[layer, 0, :, :, :stop], self._stored[layer, 1, :, :, :stop]


class _Block(nn.Module):
    """Pre-norm attention and SwiGLU."""

    def __init__(self, geometry: TinyArGeometry) -> None:
        super().__init__()
        width, hidden = geometry.width, geometry.width * 8 // 3 // 32 * 32
        self.heads = geometry.heads
        self.attention_norm, self.ffn_norm = nn.RMSNorm(width), nn.RMSNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.gate, self.up = nn.Linear(width, hidden, bias=False), nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor, layer: int, cache: KeyValueCache | None) -> Tensor:
        x = x + self._attend(self.attention_norm(x), layer, cache)
        normed = self.ffn_norm(x)
        result: Tensor = x + self.down(F.silu(self.gate(normed)) * self.up(normed))
        return result

    def _attend(self, x: Tensor, layer: int, cache: KeyValueCache | None) -> Tensor:
        batch, length, width = x.shape
        parts = self.qkv(x).reshape(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        query, key, value = parts.unbind(0)
        if cache is not None:
            key, value = cache.extended(layer, key, value)
        # With a cache, tokens come one at a time and see all that came before: no mask is needed.
        attended = F.scaled_dot_product_attention(query, key, value, is_causal=cache is None)
        result: Tensor = self.out(attended.transpose(1, 2).reshape(batch, length, width))
        return result


class TinyArModel(nn.Module):
    """Predicts token t of an image from its class and tokens 0 … t-1, in raster order.

    The class stands at the first position, so that position p predicts token p. Learnt positions; the output layer
    shares the token embedding.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: TinyArGeometry) -> None:
        super().__init__()
        self.geometry = geometry
        self.class_embedding = nn.Embedding(geometry.classes + 1, geometry.width)
        self.token_embedding = nn.Embedding(geometry.codes, geometry.width)
        self.positions = nn.Parameter(torch.zeros(geometry.tokens, geometry.width))
        self.blocks = nn.ModuleList(_Block(geometry) for _ in range(geometry.depth))
        self.norm = nn.RMSNorm(geometry.width)

    def forward(self, labels: Tensor, tokens: Tensor) -> Tensor:
        """Logits of every token at once.

        Args:
            labels: ``int64 [B]``; ``classes`` for no class.
            tokens: ``int64 [B,T]``, T below the number of tokens an image.

        Returns:
            ``[B,T+1,codes]``: position p holds the logits of token p.
        """
        embedded = torch.cat([self.class_embedding(labels)[:, None], self.token_embedding(tokens)], dim=1)
        return self._logits(embedded + self.positions[: embedded.shape[1]], None)

    def step(self, labels: Tensor, last: Tensor | None, cache: KeyValueCache) -> Tensor:
        """Logits ``[B,codes]`` of the next token, given the class (first step) or the last token ``int64 [B]``."""
        embedded = self.class_embedding(labels) if last is None else self.token_embedding(last)
        logits = self._logits((embedded + self.positions[cache.length])[:, None], cache)
        cache.length += 1
        return logits[:, 0]

    def _logits(self, x: Tensor, cache: KeyValueCache | None) -> Tensor:
        for layer, block in enumerate(self.blocks):
            x = block(x, layer, cache)
        return F.linear(self.norm(x), self.token_embedding.weight)
