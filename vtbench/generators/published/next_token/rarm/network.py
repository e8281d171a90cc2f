"""RARM's transformer in the names of its published file: every block looks at the vectors of a few neighbours, too."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vtbench.networks.decoder_transformer import causal_mask
from vtbench.networks.key_value_cache import CacheGeometry, KeyValueCache


@dataclass(frozen=True, kw_only=True)
class RarmGeometry:
    """Sizes of the network.

    Attributes:
        depth: blocks.
        heads: of attention.
        width: channels.
        neighbour: values of a neighbour's vector (CLIP ViT-B/32 has 512).
        vocabulary: entries of the tokenizer's codebook; two more are a mask, which no sampler uses, and the start.
        grid: tokens along one side.
    """

    depth: int
    heads: int
    width: int
    neighbour: int = 512
    vocabulary: int = 16384
    grid: int = 16

    @property
    def tokens(self) -> int:
        """Tokens of an image, and positions: the start has the first, the last token none."""
        return self.grid * self.grid


SIZES = {
    "imagenet": RarmGeometry(depth=18, heads=12, width=768),
    "tiny": RarmGeometry(depth=2, heads=4, width=64, neighbour=24, vocabulary=32, grid=4),
}
"""The published size, and one for tests that no file has."""


class Attention(nn.Module):
    """Attention whose keys and values may come from elsewhere than its queries."""

    def __init__(self, width: int, heads: int, context: int) -> None:
        super().__init__()
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k, self.to_v = (nn.Linear(context, width, bias=False) for _ in range(2))
        self.to_out = nn.Sequential(nn.Linear(width, width))
        self._heads = heads

    def seen(self, context: Tensor) -> tuple[Tensor, Tensor]:
        """``[B,S,context]`` to keys and values ``[B,heads,S,D]``."""
        return self._split(self.to_k(context)), self._split(self.to_v(context))

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
        """``[B,T,width]``; ``mask``: ``bool [T,S]``, ``None`` for all."""
        attended = F.scaled_dot_product_attention(self._split(self.to_q(x)), keys, values, attn_mask=mask)
        output: Tensor = self.to_out(attended.transpose(1, 2).flatten(2))
        return output

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self._heads, -1).transpose(1, 2)


class GatedLinear(nn.Module):
    """``a · gelu(b)``, a and b the halves of a linear layer (Shazeer 2020, GEGLU)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, 2 * hidden)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.proj(x).chunk(2, dim=-1)
        gated: Tensor = value * F.gelu(gate)
        return gated


class FeedForward(nn.Module):
    """A gated layer of four times the width, and one back."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(GatedLinear(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.net(x)
        return output


class Block(nn.Module):
    """Pre-norm attention to the tokens before, attention to the neighbours, and a feed-forward part."""

    def __init__(self, geometry: RarmGeometry) -> None:
        super().__init__()
        width, heads = geometry.width, geometry.heads
        self.attn1 = Attention(width, heads, width)
        self.ff = FeedForward(width)
        self.attn2 = Attention(width, heads, geometry.neighbour)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))

    def forward(
        self, x: Tensor, neighbours: Tensor, mask: Tensor | None, cache: KeyValueCache | None, layer: int
    ) -> Tensor:
        """One block; ``neighbours``: their keys and values in this layer, ``[2,B,heads,K,D]``."""
        normed = self.norm1(x)
        keys, values = self.attn1.seen(normed)
        if cache is not None:
            keys, values = cache.extended(layer, keys, values)
        x = x + self.attn1(normed, keys, values, mask)
        x = x + self.attn2(self.norm2(x), neighbours[0], neighbours[1], None)
        output: Tensor = x + self.ff(self.norm3(x))
        return output


class NeighbourCache(KeyValueCache):
    """Keys and values of tokens; and those of the neighbours in every layer, ``[depth,2,B,heads,K,D]``, which stay."""

    neighbours: Tensor

    def halved(self) -> None:
        """Keep the first half of the sequences."""
        super().halved()
        self.neighbours = self.neighbours[:, :, : self.neighbours.shape[2] // 2]


class RarmNetwork(nn.Module):
    """Predicts token t of an image from the vectors of its neighbours and the tokens before it.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: RarmGeometry) -> None:
        super().__init__()
        self.geometry = geometry
        width = geometry.width
        self.proj_in = nn.Embedding(geometry.vocabulary + 2, width)
        self.positional_encoding = nn.Parameter(torch.randn(width, geometry.tokens) / width**0.5)
        self.transformer_blocks = nn.ModuleList(Block(geometry) for _ in range(geometry.depth))
        self.proj_out = nn.Conv1d(width, geometry.vocabulary, 1)

    @property
    def tokens(self) -> int:
        """Tokens of an image."""
        return self.geometry.tokens

    def make_cache(self, batch: int) -> NeighbourCache:
        """An empty cache for so many sequences, in the precision of the weights; the last token is never fed."""
        sizes = self.geometry
        held = CacheGeometry(sizes.depth, sizes.heads, sizes.tokens, sizes.width // sizes.heads)
        return NeighbourCache(held, batch, self.proj_out.weight)

    def prefill(self, condition: Tensor, cache: NeighbourCache) -> Tensor:
        """Vectors of neighbours ``[B,K,neighbour]`` to logits ``[B,V]`` of token 0."""
        cache.neighbours = self._neighbours(condition)
        return self._run(self._start(condition), cache.neighbours, cache)[:, -1]

    def step(self, tokens: Tensor, cache: NeighbourCache) -> Tensor:
        """The next G tokens ``int64 [B,G]`` to the logits ``[B,G,V]`` of those after each."""
        return self._run(tokens, cache.neighbours, cache)

    def forward(self, condition: Tensor, tokens: Tensor) -> Tensor:
        """Logits of all tokens at once, without a cache.

        Args:
            condition: vectors of neighbours ``[B,K,neighbour]``; zeros for none.
            tokens: ``int64 [B,T]``, the first T of each image, fewer than all.

        Returns:
            ``[B,T+1,V]``: position t holds the logits of token t.
        """
        indices = torch.cat([self._start(condition), tokens], dim=1)
        return self._run(indices, self._neighbours(condition), None)

    def _start(self, condition: Tensor) -> Tensor:
        start = self.geometry.vocabulary + 1
        return torch.full((len(condition), 1), start, dtype=torch.int64, device=condition.device)

    def _neighbours(self, condition: Tensor) -> Tensor:
        context = condition.to(self.proj_out.weight.dtype)
        each = (block.get_submodule("attn2") for block in self.transformer_blocks)
        return torch.stack([torch.stack(attention.seen(context)) for attention in each])  # type: ignore[operator]

    def _run(self, indices: Tensor, neighbours: Tensor, cache: KeyValueCache | None) -> Tensor:
        past, length = 0 if cache is None else cache.length, indices.shape[1]
        x = self.proj_in(indices) + self.positional_encoding[:, past : past + length].T
        mask = causal_mask(length, past, x.device)
        for layer, block in enumerate(self.transformer_blocks):
            x = block(x, neighbours[layer], mask, cache, layer)
        if cache is not None:
            cache.advance(length)
        logits: Tensor = self.proj_out(x.transpose(1, 2)).transpose(1, 2)
        return logits
