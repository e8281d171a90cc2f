"""LlamaGen's transformer in the names of its published files: a class, then image tokens in raster order."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vtbench.networks.decoder_transformer import DecoderBlock, DecoderGeometry, RmsNorm, causal_mask, swiglu_width
from vtbench.networks.key_value_cache import KeyValueCache
from vtbench.networks.rotary import grid_table


@dataclass(frozen=True)
class LlamaGenGeometry:
    """Sizes of the network.

    Attributes:
        decoder: of its blocks.
        vocabulary: entries of the tokenizer's codebook.
        grid: tokens along one side; an image has ``grid * grid``.
        classes: class labels; one more stands for "no class".
    """

    decoder: DecoderGeometry
    vocabulary: int = 16384
    grid: int = 16
    classes: int = 1000

    @property
    def tokens(self) -> int:
        """Tokens of an image."""
        return self.grid * self.grid


def _sized(depth: int, heads: int, width: int) -> DecoderGeometry:
    return DecoderGeometry(depth, heads, width, swiglu_width(width))


SIZES = {
    "B": _sized(12, 12, 768),
    "L": _sized(24, 16, 1024),
    "XL": _sized(36, 20, 1280),
    "XXL": _sized(48, 24, 1536),
    "3B": _sized(24, 32, 3200),
    "tiny": DecoderGeometry(depth=2, heads=4, width=64, hidden=swiglu_width(64, multiple=32)),
}
"""Published sizes (LlamaGen, table 1), and one for tests that no file has."""


class ClassCondition(nn.Module):
    """A class label as the first position."""

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        self.embedding_table = nn.Embedding(classes + 1, width)

    def forward(self, labels: Tensor) -> Tensor:
        embedded: Tensor = self.embedding_table(labels)[:, None]
        return embedded


class LlamaGenNetwork(nn.Module):
    """Predicts token t of an image from its class and the tokens before it.

    The row of the condition in the table of rotations is (0, 0): its query and key are zero vectors. That is how the
    published weights were trained; an identity rotation loads as well and is wrong.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: LlamaGenGeometry) -> None:
        super().__init__()
        sizes = geometry.decoder
        self.geometry = geometry
        self.cls_embedding = ClassCondition(geometry.classes, sizes.width)
        self.tok_embeddings = nn.Embedding(geometry.vocabulary, sizes.width)
        self.layers = nn.ModuleList(DecoderBlock(sizes) for _ in range(sizes.depth))
        self.norm = RmsNorm(sizes.width, sizes.eps)
        self.output = nn.Linear(sizes.width, geometry.vocabulary, bias=False)
        self._turns: Tensor | None = None  # no buffer: it stays float32 whatever the weights become

    @property
    def tokens(self) -> int:
        """Tokens of an image."""
        return self.geometry.tokens

    def make_cache(self, batch: int) -> KeyValueCache:
        """An empty cache for so many sequences, in the precision of the weights; the last token is never fed."""
        return KeyValueCache(self.geometry.decoder.cache(self.tokens), batch, self.output.weight)

    def prefill(self, condition: Tensor, cache: KeyValueCache) -> Tensor:
        """Labels ``int64 [B]`` to logits ``[B,V]`` of token 0."""
        return self._run(self.cls_embedding(condition), cache)[:, -1]

    def step(self, tokens: Tensor, cache: KeyValueCache) -> Tensor:
        """The next G tokens ``int64 [B,G]`` to the logits ``[B,G,V]`` of those after each."""
        return self._run(self.tok_embeddings(tokens), cache)

    def forward(self, condition: Tensor, tokens: Tensor) -> Tensor:
        """Logits of all tokens at once, without a cache.

        Args:
            condition: labels ``int64 [B]``; ``classes`` for none.
            tokens: ``int64 [B,T]``, the first T of each image, fewer than all.

        Returns:
            ``[B,T+1,V]``: position t holds the logits of token t.
        """
        return self._run(torch.cat([self.cls_embedding(condition), self.tok_embeddings(tokens)], dim=1), None)

    def _run(self, x: Tensor, cache: KeyValueCache | None) -> Tensor:
        past, length = 0 if cache is None else cache.length, x.shape[1]
        turns = self._table(x.device)[past : past + length]
        mask = causal_mask(length, past, x.device)
        for index, layer in enumerate(self.layers):
            x = layer(x, turns, mask, cache, index)
        if cache is not None:
            cache.advance(length)
        logits: Tensor = self.output(self.norm(x))
        return logits

    def _table(self, device: torch.device) -> Tensor:
        if self._turns is None or self._turns.device != device:
            grid = self.geometry.grid
            self._turns = grid_table(grid, grid, self.geometry.decoder.head_width, zero_rows=1).to(device)
        return self._turns
