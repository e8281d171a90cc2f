"""RAR's transformer in the names of its published files: blocks modulated by the class and by the position.

Positions: 0 a learnt token, 1 the class, 2 + t token t. Each but the first is also told which position comes next: of
the permuted orders of training only the raster order is left when images are made.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vtbench.networks.decoder_transformer import causal_mask
from vtbench.networks.key_value_cache import CacheGeometry, KeyValueCache

EPS = 1e-6
PREFIX = 2
SPARE_POSITIONS = 1024
SPARE_STEPS = 100
"""Rows of the tables beyond an image's tokens; published, and never read."""


@dataclass(frozen=True)
class RarGeometry:
    """Sizes of the network.

    Attributes:
        depth: blocks.
        width: channels.
        hidden: channels inside the feed-forward part.
        heads: of attention.
        vocabulary: entries of the tokenizer's codebook.
        tokens: of an image.
        classes: class labels.
    """

    depth: int
    width: int
    hidden: int
    heads: int = 16
    vocabulary: int = 1024
    tokens: int = 256
    classes: int = 1000

    @property
    def none(self) -> int:
        """The label that stands for "no class"."""
        return self.classes


SIZES = {
    "B": RarGeometry(24, 768, 3072),
    "L": RarGeometry(24, 1024, 4096),
    "XL": RarGeometry(32, 1280, 5120),
    "XXL": RarGeometry(40, 1408, 6144),
    "tiny": RarGeometry(2, 64, 128, heads=4, tokens=16),
}
"""Published sizes (RAR, table 1), and one for tests that no file has."""


class Attention(nn.Module):
    """Attention with biases; queries and keys of each head are normalised."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.q_norm = nn.LayerNorm(width // heads, eps=EPS)
        self.k_norm = nn.LayerNorm(width // heads, eps=EPS)
        self.proj = nn.Linear(width, width)
        self._heads = heads

    def forward(self, x: Tensor, mask: Tensor | None, cache: KeyValueCache | None, layer: int) -> Tensor:
        batch, length, width = x.shape
        query, key, value = self.qkv(x).view(batch, length, 3, self._heads, -1).permute(2, 0, 3, 1, 4)
        query, key = self.q_norm(query), self.k_norm(key)
        if cache is not None:
            key, value = cache.extended(layer, key, value)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        output: Tensor = self.proj(attended.transpose(1, 2).reshape(batch, length, width))
        return output


class FeedForward(nn.Module):
    """Two layers with an exact GELU between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return output


class Block(nn.Module):
    """Attention and feed-forward, each behind an affine norm that the condition shifts, scales and gates."""

    def __init__(self, geometry: RarGeometry) -> None:
        super().__init__()
        width = geometry.width
        self.norm1 = nn.LayerNorm(width, eps=EPS)
        self.attn = Attention(width, geometry.heads)
        self.norm2 = nn.LayerNorm(width, eps=EPS)
        self.mlp = FeedForward(width, geometry.hidden)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))

    def forward(
        self, x: Tensor, condition: Tensor, mask: Tensor | None, cache: KeyValueCache | None, layer: int
    ) -> Tensor:
        """``x`` and ``condition`` are ``[B,T,width]``."""
        shift, scale, gate, shift_mlp, scale_mlp, gate_mlp = self.adaLN_modulation(condition).chunk(6, dim=-1)
        x = x + gate * self.attn(self.norm1(x) * (1 + scale) + shift, mask, cache, layer)
        output: Tensor = x + gate_mlp * self.mlp(self.norm2(x) * (1 + scale_mlp) + shift_mlp)
        return output


class LastNorm(nn.Module):
    """A norm without weights, scaled and shifted by the condition: in this order, which is not the blocks'."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm_final = nn.LayerNorm(width, eps=EPS, elementwise_affine=False)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.adaLN_modulation(condition).chunk(2, dim=-1)
        output: Tensor = self.norm_final(x) * (1 + scale) + shift
        return output


class RarNetwork(nn.Module):
    """Predicts token t of an image from its class and the tokens before it.

    The class modulates every position, so each step needs it: the cache of a batch goes with the labels that
    :meth:`prefill` was given.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: RarGeometry) -> None:
        super().__init__()
        self.geometry = geometry
        width, tokens = geometry.width, geometry.tokens
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.blocks = nn.ModuleList(Block(geometry) for _ in range(geometry.depth))
        # codes, a mask that only training uses, classes, no class
        self.embeddings = nn.Embedding(geometry.vocabulary + 1 + geometry.classes + 1, width)
        self.pos_embed = nn.Parameter(torch.zeros(1, tokens + SPARE_POSITIONS, width))
        self.target_aware_pos_embed = nn.Parameter(torch.zeros(1, tokens + SPARE_POSITIONS, width))
        self.timesteps_embeddings = nn.Parameter(torch.zeros(1, tokens + SPARE_STEPS, width))
        self.adaln_before_head = LastNorm(width)
        self.lm_head = nn.Linear(width, geometry.vocabulary)

    @property
    def tokens(self) -> int:
        """Tokens of an image."""
        return self.geometry.tokens

    def make_cache(self, batch: int) -> RarCache:
        """An empty cache for so many sequences, in the precision of the weights; the last token is never fed."""
        geometry = self.geometry
        length, head_width = PREFIX + geometry.tokens - 1, geometry.width // geometry.heads
        return RarCache(CacheGeometry(geometry.depth, geometry.heads, length, head_width), batch, self.lm_head.weight)

    def prefill(self, condition: Tensor, cache: RarCache) -> Tensor:
        """Labels ``int64 [B]`` to logits ``[B,V]`` of token 0."""
        cache.condition = self._class(condition)
        return self._run(self._start(cache.condition), cache.condition, cache)[:, -1]

    def step(self, tokens: Tensor, cache: RarCache) -> Tensor:
        """The next G tokens ``int64 [B,G]`` to the logits ``[B,G,V]`` of those after each."""
        return self._run(self.embeddings(tokens), cache.condition, cache)

    def forward(self, condition: Tensor, tokens: Tensor) -> Tensor:
        """Logits of all tokens at once, without a cache.

        Args:
            condition: labels ``int64 [B]``; ``classes`` for none.
            tokens: ``int64 [B,T]``, the first T of each image, fewer than all.

        Returns:
            ``[B,T+1,V]``: position t holds the logits of token t.
        """
        label = self._class(condition)
        x = torch.cat([self._start(label), self.embeddings(tokens)], dim=1)
        return self._run(x, label, None)[:, 1:]

    def _class(self, labels: Tensor) -> Tensor:
        embedded: Tensor = self.embeddings(labels + self.geometry.vocabulary + 1)[:, None]
        return embedded

    def _start(self, label: Tensor) -> Tensor:
        return torch.cat([self.cls_token.expand(len(label), -1, -1), label], dim=1)

    def _run(self, x: Tensor, label: Tensor, cache: RarCache | None) -> Tensor:
        past, length = 0 if cache is None else cache.length, x.shape[1]
        here = slice(past, past + length)
        x = x + self.pos_embed[:, here] + self._targets(past, length)
        condition = label + self.timesteps_embeddings[:, here]
        mask = causal_mask(length, past, x.device)
        for index, block in enumerate(self.blocks):
            x = block(x, condition, mask, cache, index)
        if cache is not None:
            cache.advance(length)
        logits: Tensor = self.lm_head(self.adaln_before_head(x, condition))
        return logits

    def _targets(self, past: int, length: int) -> Tensor:
        """``[1,T,width]``: where the token is that each position predicts; the first predicts none."""
        targets = self.target_aware_pos_embed[:, past + 1 : past + length + 1]
        if past:
            return targets
        return torch.cat([torch.zeros_like(targets[:, :1]), targets[:, 1:]], dim=1)


class RarCache(KeyValueCache):
    """Keys and values, and the class ``[B,1,width]`` of each sequence."""

    condition: Tensor

    def halved(self) -> None:
        """Keep the first half of the sequences, classes included."""
        super().halved()
        self.condition = self.condition[: len(self.condition) // 2]
