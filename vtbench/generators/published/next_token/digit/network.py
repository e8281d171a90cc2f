"""DiGIT's decoders in the names of fairseq: a GPT over codes of features, and one over codes of pixels given those.

The first five entries of a table are fairseq's marks: beginning, padding, end, unknown, and a line break. A code is the
entry of its number plus five. The first two rows of a table of positions belong to padding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vtbench.networks.decoder_transformer import causal_mask
from vtbench.networks.key_value_cache import CacheGeometry, KeyValueCache

MARKS, END, FIRST_ROW = 5, 2, 2
"""Marks of a dictionary; the one that a sequence begins with, which is its end; the row of the first position."""


@dataclass(frozen=True, kw_only=True)
class DigitGeometry:
    """Sizes of a decoder.

    Attributes:
        depth: layers.
        heads: of attention.
        width: channels.
        hidden: channels of a feed-forward.
        codes: that it predicts.
        given: codes that stand in front of those, one a token; 0 for none.
        classes: of which one stands at the beginning; 0 for the end mark.
        pre_norm: norms stand before attention and feed-forward, and one behind all layers; else behind each of them.
        grid: tokens along one side.
        positions: rows of a table of positions, beside those of padding.
    """

    depth: int
    heads: int
    width: int
    hidden: int
    codes: int
    given: int = 0
    classes: int = 0
    pre_norm: bool = False
    grid: int = 16
    positions: int = 1024

    @property
    def tokens(self) -> int:
        """Tokens of an image, of either kind."""
        return self.grid * self.grid

    @property
    def entries(self) -> int:
        """Of the table of what enters: own marks and codes, then classes, or marks and codes of what is given."""
        own = MARKS + self.codes
        return own + (MARKS + self.given if self.given else self.classes)


@dataclass(frozen=True)
class DigitSizes:
    """Both decoders of a generator.

    Attributes:
        features: predicts codes of features.
        pixels: predicts codes of pixels, given those.
    """

    features: DigitGeometry
    pixels: DigitGeometry


def sizes(size: str, classes: int) -> DigitSizes:
    """The published ``base``, or ``tiny`` for tests, which no file has."""
    if size == "base":
        first = DigitGeometry(depth=16, heads=16, width=1024, hidden=4096, codes=8192, classes=classes)
        pixels = 1024
    else:
        first = DigitGeometry(depth=2, heads=4, width=64, hidden=128, codes=48, classes=classes, grid=4)
        pixels = 32
    return DigitSizes(first, replace(first, codes=pixels, given=first.codes, classes=0, pre_norm=True))


class Attention(nn.Module):
    """Attention with a matrix and a bias each for queries, keys, values and the outcome."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.k_proj, self.v_proj, self.q_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))
        self._heads = heads

    def forward(self, x: Tensor, mask: Tensor | None, cache: KeyValueCache | None, layer: int) -> Tensor:
        batch, length, width = x.shape
        query, key, value = (
            matrix(x).view(batch, length, self._heads, -1).transpose(1, 2)
            for matrix in (self.q_proj, self.k_proj, self.v_proj)
        )
        if cache is not None:
            key, value = cache.extended(layer, key, value)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        output: Tensor = self.out_proj(attended.transpose(1, 2).reshape(batch, length, width))
        return output


class Layer(nn.Module):
    """Attention and feed-forward with an exact GELU, each beside a residual, normed before or behind it."""

    def __init__(self, geometry: DigitGeometry) -> None:
        super().__init__()
        width = geometry.width
        self.self_attn = Attention(width, geometry.heads)
        self.self_attn_layer_norm, self.final_layer_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.fc1, self.fc2 = nn.Linear(width, geometry.hidden), nn.Linear(geometry.hidden, width)
        self._pre_norm = geometry.pre_norm

    def forward(self, x: Tensor, mask: Tensor | None, cache: KeyValueCache | None, layer: int) -> Tensor:
        if self._pre_norm:
            x = x + self.self_attn(self.self_attn_layer_norm(x), mask, cache, layer)
            return x + self._fed(self.final_layer_norm(x))
        x = self.self_attn_layer_norm(x + self.self_attn(x, mask, cache, layer))
        output: Tensor = self.final_layer_norm(x + self._fed(x))
        return output

    def _fed(self, x: Tensor) -> Tensor:
        output: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return output


class DigitDecoder(nn.Module):
    """Predicts code t of an image from the codes before it, and from a class or the codes that are given.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: DigitGeometry) -> None:
        super().__init__()
        self.geometry = geometry
        width, rows = geometry.width, geometry.positions + FIRST_ROW
        self.embed_tokens, self.embed_positions = nn.Embedding(geometry.entries, width), nn.Embedding(rows, width)
        tables = [self.embed_tokens, self.embed_positions]
        if geometry.given:
            self.embed_positions_1 = nn.Embedding(rows, width)
            tables.append(self.embed_positions_1)
        self.layers = nn.ModuleList(Layer(geometry) for _ in range(geometry.depth))
        if geometry.pre_norm:
            self.layer_norm = nn.LayerNorm(width)
        self.output_projection = nn.Linear(width, MARKS + geometry.codes, bias=False)
        for table in tables:  # as fairseq does: what enters is scaled by √width
            nn.init.normal_(table.weight, std=width**-0.5)

    @property
    def tokens(self) -> int:
        """Codes of an image."""
        return self.geometry.tokens

    def make_cache(self, batch: int) -> KeyValueCache:
        """An empty cache for so many sequences, in the precision of the weights; the last code is never fed."""
        sizes = self.geometry
        length = sizes.tokens * (2 if sizes.given else 1)
        held = CacheGeometry(sizes.depth, sizes.heads, length, sizes.width // sizes.heads)
        return KeyValueCache(held, batch, self.output_projection.weight)

    def prefill(self, condition: Tensor, cache: KeyValueCache) -> Tensor:
        """Labels ``int64 [B]``, which are heeded where there are classes, or given codes ``int64 [B,N]``, to logits
        ``[B,V]`` of code 0."""
        return self._run(self._begun(condition), cache)[:, -1]

    def step(self, tokens: Tensor, cache: KeyValueCache) -> Tensor:
        """The next G codes ``int64 [B,G]`` to the logits ``[B,G,V]`` of those after each."""
        before = cache.length - (self.geometry.tokens if self.geometry.given else 0)
        return self._run(self._entered(MARKS + tokens, before), cache)

    def forward(self, condition: Tensor, tokens: Tensor) -> Tensor:
        """Logits of all codes at once, without a cache.

        Args:
            condition: as of :meth:`prefill`.
            tokens: ``int64 [B,T]``, the first T of each image, fewer than all.

        Returns:
            ``[B,T+1,V]``: position t holds the logits of code t.
        """
        x = torch.cat([self._begun(condition), self._entered(MARKS + tokens, 1)], dim=1)
        return self._run(x, None)[:, -tokens.shape[1] - 1 :]

    def _begun(self, condition: Tensor) -> Tensor:
        """What stands before code 0, ``[B,…,width]``."""
        sizes = self.geometry
        own = MARKS + sizes.codes
        first = own + condition if sizes.classes else condition.new_full((len(condition),), END)
        start = self._entered(first[:, None], 0)
        if not sizes.given:
            return start
        rows = self.embed_positions_1.weight[FIRST_ROW : FIRST_ROW + condition.shape[1]]
        return torch.cat([self._scaled(own + MARKS + condition) + rows, start], dim=1)

    def _entered(self, indices: Tensor, position: int) -> Tensor:
        first = FIRST_ROW + position
        return self._scaled(indices) + self.embed_positions.weight[first : first + indices.shape[1]]

    def _scaled(self, indices: Tensor) -> Tensor:
        embedded: Tensor = self.embed_tokens(indices)
        return math.sqrt(self.geometry.width) * embedded

    def _run(self, x: Tensor, cache: KeyValueCache | None) -> Tensor:
        past, length = 0 if cache is None else cache.length, x.shape[1]
        mask = causal_mask(length, past, x.device)
        for number, layer in enumerate(self.layers):
            x = layer(x, mask, cache, number)
        if cache is not None:
            cache.advance(length)
        logits: Tensor = self.output_projection(self.layer_norm(x) if self.geometry.pre_norm else x)
        return logits[..., MARKS:]
