"""LlamaGen's transformer in the names of its published files: a class or a text, then image tokens in raster order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from vtbench.generators.published.next_token.llamagen.network_condition import (
    TextGeometry,
    condition_layers,
    padding_of,
)
from vtbench.generators.text.encoded import EncodedText
from vtbench.networks.decoder_transformer import (
    DecoderBlock,
    DecoderGeometry,
    RmsNorm,
    rows_of,
    run_causally,
    swiglu_width,
)
from vtbench.networks.key_value_cache import KeyValueCache
from vtbench.networks.rotary import HeldTable, grid_table, line_table

Positions = Literal["grid", "line", "learnt"]
"""Where a token is: turned by row and column behind a condition of zeros (LlamaGen); turned by its place in the
sequence, the condition at place 0 (D-AR); or a learnt vector added to what enters at each place (GigaTok)."""


@dataclass(frozen=True)
class LlamaGenGeometry:
    """Sizes of the network.

    Attributes:
        decoder: of its blocks.
        vocabulary: entries of the tokenizer's codebook.
        grid: tokens along one side; an image has ``grid * grid``, also where they stand in a line.
        classes: class labels; one more stands for "no class".
        positions: the rule of positions.
        text: sizes of a text in the place of the class, if it is made from texts.
    """

    decoder: DecoderGeometry
    vocabulary: int = 16384
    grid: int = 16
    classes: int = 1000
    positions: Positions = "grid"
    text: TextGeometry | None = None

    @property
    def tokens(self) -> int:
        """Tokens of an image."""
        return self.grid * self.grid

    @property
    def prefix(self) -> int:
        """Positions of the condition."""
        return 1 if self.text is None else self.text.length

    def turns(self) -> Tensor:
        """The rotation of each position, the condition's first; for positions that are turned."""
        head_width = self.decoder.head_width
        if self.positions == "line":
            return line_table(1 + self.tokens, head_width)
        return grid_table(self.grid, self.grid, head_width, zero_rows=self.prefix)


def _sized(depth: int, heads: int, width: int) -> DecoderGeometry:
    return DecoderGeometry(depth, heads, width, swiglu_width(width))


SIZES = {
    "B": _sized(12, 12, 768),
    "L": _sized(24, 16, 1024),
    "XL": _sized(36, 20, 1280),
    "XXL": _sized(48, 24, 1536),
    "3B": _sized(24, 32, 3200),
    "nano": DecoderGeometry(depth=6, heads=6, width=192, hidden=swiglu_width(192, multiple=64)),
    "tiny": DecoderGeometry(depth=2, heads=4, width=64, hidden=swiglu_width(64, multiple=32)),
}
"""Published sizes (LlamaGen, table 1), that of the reference zoo (``nano``), and one for tests that no file has."""


class LlamaGenNetwork(nn.Module):
    """Predicts token t of an image from its class or text and the tokens before it.

    On a grid, rows of the condition in the table of rotations are (0, 0): its queries and keys are zero vectors. That
    is how the published weights were trained; an identity rotation loads as well and is wrong. So what is seen of a
    text is averaged evenly.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: LlamaGenGeometry) -> None:
        super().__init__()
        sizes = geometry.decoder
        self.geometry = geometry
        self.cls_embedding = condition_layers(geometry.classes, geometry.text, sizes.width)
        self.tok_embeddings = nn.Embedding(geometry.vocabulary, sizes.width)
        self.layers = nn.ModuleList(DecoderBlock(sizes) for _ in range(sizes.depth))
        self.norm = RmsNorm(sizes.width, sizes.eps)
        self.output = nn.Linear(sizes.width, geometry.vocabulary, bias=False)
        if geometry.positions == "learnt":
            self.positional_embedding = nn.Parameter(torch.randn(1 + self.tokens, sizes.width) * sizes.width**-0.5)
        self._turns = HeldTable(geometry.turns)

    ragged = True

    @property
    def tokens(self) -> int:
        """Tokens of an image."""
        return self.geometry.tokens

    @property
    def row_length(self) -> int:
        """Tokens of one row of the image."""
        return self.geometry.grid

    def make_cache(self, batch: int) -> KeyValueCache:
        """An empty cache for so many sequences, in the precision of the weights; the last token is never fed."""
        length = self.geometry.prefix + self.tokens - 1
        return KeyValueCache(self.geometry.decoder.cache(length), batch, self.output.weight)

    def prefill(self, condition: Tensor | EncodedText, cache: KeyValueCache) -> Tensor:
        """Labels ``int64 [B]``, or texts filled up on the left, to logits ``[B,V]`` of token 0."""
        cache.padding = padding_of(condition)
        return self._run(self.cls_embedding(condition), cache)[:, -1]

    def step(self, tokens: Tensor, cache: KeyValueCache) -> Tensor:
        """The next G tokens ``int64 [B,G]`` to the logits ``[B,G,V]`` of those after each."""
        return self._run(self.tok_embeddings(tokens), cache)

    def forward(self, condition: Tensor | EncodedText, tokens: Tensor) -> Tensor:
        """Logits of all tokens at once, without a cache.

        Args:
            condition: labels ``int64 [B]``, ``classes`` for none; or texts filled up on the left.
            tokens: ``int64 [B,T]``, the first T of each image, fewer than all.

        Returns:
            ``[B,T+1,V]``: position t holds the logits of token t.
        """
        x = torch.cat([self.cls_embedding(condition), self.tok_embeddings(tokens)], dim=1)
        return self._run(x, None, padding_of(condition))[:, self.geometry.prefix - 1 :]

    def _run(self, x: Tensor, cache: KeyValueCache | None, padding: Tensor | None = None) -> Tensor:
        turns = None
        if self.geometry.positions == "learnt":
            x = x + rows_of(self.positional_embedding, x.shape[1], cache)
        else:
            turns = self._turns.on(x.device)
        logits: Tensor = self.output(self.norm(run_causally(self.layers, x, turns, cache, padding=padding)))
        return logits
