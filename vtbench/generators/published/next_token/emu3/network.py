"""Emu3's language model, transformers' ``Emu3TextModel``, with the grammar of an image: what may stand where is fed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vtbench.generators.published.library.classes import library_classes
from vtbench.generators.published.library.padded import PaddedCache, decoded, padding_of
from vtbench.networks.key_value_cache import CacheGeometry


@dataclass(frozen=True, kw_only=True)
class Emu3Geometry:
    """Sizes of the network.

    Attributes:
        depth: blocks.
        heads: of queries.
        key_heads: of keys and values.
        width: channels.
        hidden: channels of the feed-forward part.
        words: entries of the vocabulary, of words and image tokens together.
        vocabulary: entries of the image tokenizer's codebook.
        eps: of its norms.
        theta: base of its rotations.
        length: positions it was trained for.
    """

    depth: int
    heads: int
    key_heads: int
    width: int
    hidden: int
    words: int = 184622
    vocabulary: int = 32768
    eps: float = 1e-5
    theta: float = 1e6
    length: int = 9216


@dataclass(frozen=True, kw_only=True)
class Grammar:
    """An image as a text of tokens: rows, each ended by a token that is fed and never drawn.

    Attributes:
        grid: tokens along one side.
        first: id of image token 0; the others follow it in order.
        row_end: id of the token behind each row.
    """

    grid: int
    first: int
    row_end: int

    def written(self, tokens: Tensor, before: int) -> tuple[Tensor, list[int]]:
        """Tokens ``int64 [B,G]`` of images that hold ``before`` already, to ids ``[B,F]`` with the ends of rows among
        them, and the places whose outputs speak of the token after each."""
        columns, kept = [], []
        for place, column in enumerate((tokens + self.first).unbind(dim=1)):
            columns.append(column)
            if (before + place + 1) % self.grid == 0:
                columns.append(torch.full_like(column, self.row_end))
            kept.append(len(columns) - 1)
        return torch.stack(columns, dim=1) if columns else tokens, kept

    def tokens_in(self, positions: int) -> int:
        """Image tokens among so many positions behind the prompt."""
        return positions - positions // (self.grid + 1)


SIZES = {
    "8B": Emu3Geometry(depth=32, heads=32, key_heads=8, width=4096, hidden=14336),
    "tiny": Emu3Geometry(depth=2, heads=4, key_heads=2, width=32, hidden=24, words=320, vocabulary=32, length=256),
}
"""The published size, and one for tests that no file has."""


class Emu3Network(nn.Module):
    """Predicts token t of an image from a prompt and the tokens before it.

    Of the head's rows only those of image tokens are used: everything else is forbidden where a token is drawn.

    Args:
        geometry: its sizes.
        grammar: of an image.
    """

    def __init__(self, geometry: Emu3Geometry, grammar: Grammar) -> None:
        super().__init__()
        self.geometry, self.grammar = geometry, grammar
        self.text_model: Any = _library(geometry)
        self.lm_head = nn.Linear(geometry.width, geometry.words, bias=False)

    @property
    def tokens(self) -> int:
        """Tokens of an image."""
        return self.grammar.grid**2

    @property
    def row_length(self) -> int:
        """Tokens of one row of the image."""
        return self.grammar.grid

    def make_cache(self, batch: int, prompt: int) -> PaddedCache:
        """An empty cache for so many sequences behind prompts of that length, ends of rows included; the last token is
        never fed."""
        sizes, rows = self.geometry, self.grammar.grid - 1
        held = CacheGeometry(sizes.depth, sizes.key_heads, prompt + self.tokens - 1 + rows, sizes.width // sizes.heads)
        return PaddedCache(held, batch, self.lm_head.weight)

    def prefill(self, condition: Tensor, cache: PaddedCache) -> Tensor:
        """Ids of prompts ``int64 [B,T]``, padded on the left, to logits ``[B,V]`` of token 0."""
        return self._logits(self._run(condition, cache.padding, cache)[:, -1])

    def step(self, tokens: Tensor, cache: PaddedCache) -> Tensor:
        """The next G tokens ``int64 [B,G]`` to the logits ``[B,G,V]`` of those after each."""
        ids, kept = self.grammar.written(tokens, self.grammar.tokens_in(cache.length - cache.prompt))
        hidden = self._run(ids, cache.padding, cache)
        return self._logits(torch.stack([hidden[:, place] for place in kept], dim=1))  # a list would be sent each time

    def forward(self, condition: Tensor, tokens: Tensor) -> Tensor:
        """Logits ``[B,T+1,V]`` of all tokens at once, without a cache: position t holds those of token t.

        Args:
            condition: ids of prompts ``int64 [B,P]``.
            tokens: ``int64 [B,T]``, the first T of each image, fewer than all.
        """
        ids, kept = self.grammar.written(tokens, 0)
        hidden = self._run(torch.cat([condition, ids], dim=1), padding_of(condition), None)
        begun = condition.shape[1]
        return self._logits(hidden[:, [begun - 1, *(begun + place for place in kept)]])

    def _run(self, ids: Tensor, padding: Tensor | None, cache: PaddedCache | None) -> Tensor:
        return decoded(self.text_model, self.text_model.embed_tokens(ids.clamp(min=0)), padding, cache)

    def _logits(self, hidden: Tensor) -> Tensor:
        first = self.grammar.first
        return nn.functional.linear(hidden, self.lm_head.weight[first : first + self.geometry.vocabulary])


def text_config(geometry: Emu3Geometry) -> Any:
    """The library's configuration of the language model.

    Raises:
        AssetMissingError: transformers is not installed, or too old.
    """
    (config,) = library_classes("emu3", "Emu3TextConfig")
    return config(
        vocab_size=geometry.words,
        hidden_size=geometry.width,
        intermediate_size=geometry.hidden,
        num_hidden_layers=geometry.depth,
        num_attention_heads=geometry.heads,
        num_key_value_heads=geometry.key_heads,
        max_position_embeddings=geometry.length,
        rms_norm_eps=geometry.eps,
        rope_parameters={"rope_type": "default", "rope_theta": geometry.theta},
        pad_token_id=0,  # these three are of no consequence here, and must lie in the vocabulary
        bos_token_id=0,
        eos_token_id=0,
    )


def _library(geometry: Emu3Geometry) -> Any:
    (kind,) = library_classes("emu3", "Emu3TextModel")
    return kind(text_config(geometry))
