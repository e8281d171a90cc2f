"""What of Janus draws images, of classes of transformers: the language model, and what image tokens pass through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vtbench.generators.published.library.classes import library_classes
from vtbench.generators.published.library.padded import PaddedCache, decoded, padding_of
from vtbench.networks.key_value_cache import CacheGeometry


@dataclass(frozen=True, kw_only=True)
class JanusGeometry:
    """Sizes of the network.

    Attributes:
        depth: blocks of the language model.
        heads: of its attention.
        width: channels.
        hidden: channels of its feed-forward part.
        words: entries of the text vocabulary.
        vocabulary: entries of the image tokenizer's codebook.
        code_width: channels that an image token is embedded in first.
        grid: tokens along one side of an image.
        eps: of its norms.
        theta: base of its rotations.
    """

    depth: int
    heads: int
    width: int
    hidden: int
    words: int = 102400
    vocabulary: int = 16384
    code_width: int = 8
    grid: int = 24
    eps: float = 1e-6
    theta: float = 10000.0


SIZES = {
    "1B": JanusGeometry(depth=24, heads=16, width=2048, hidden=5632),
    "7B": JanusGeometry(depth=30, heads=32, width=4096, hidden=11008),
    "tiny": JanusGeometry(depth=2, heads=2, width=16, hidden=24, words=320, vocabulary=32, code_width=4, grid=4),
}
"""Published sizes of Janus-Pro, and one for tests that no file has."""


class JanusNetwork(nn.Module):
    """Predicts token t of an image from a prompt and the tokens before it.

    Its vision encoder, its image tokenizer and the head for words, which the files hold too, take no part.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: JanusGeometry) -> None:
        super().__init__()
        self.geometry = geometry
        parts = _library(geometry)
        self.language_model: Any = parts[0]
        self.generation_embeddings = nn.Embedding(geometry.vocabulary, geometry.code_width)
        self.generation_aligner, self.generation_head = parts[1:]

    @property
    def tokens(self) -> int:
        """Tokens of an image."""
        return self.geometry.grid**2

    @property
    def row_length(self) -> int:
        """Tokens of one row of the image."""
        return self.geometry.grid

    def make_cache(self, batch: int, prompt: int) -> PaddedCache:
        """An empty cache for so many sequences, each behind a prompt of that length; the last token is never fed."""
        sizes = self.geometry
        held = CacheGeometry(sizes.depth, sizes.heads, prompt + self.tokens - 1, sizes.width // sizes.heads)
        return PaddedCache(held, batch, self.generation_embeddings.weight)

    def prefill(self, condition: Tensor, cache: PaddedCache) -> Tensor:
        """Ids of prompts ``int64 [B,T]``, padded on the left, to logits ``[B,V]`` of token 0."""
        hidden = decoded(self.language_model, self._words(condition), cache.padding, cache)
        logits: Tensor = self.generation_head(hidden[:, -1])
        return logits

    def step(self, tokens: Tensor, cache: PaddedCache) -> Tensor:
        """The next G tokens ``int64 [B,G]`` to the logits ``[B,G,V]`` of those after each."""
        logits: Tensor = self.generation_head(decoded(self.language_model, self._codes(tokens), cache.padding, cache))
        return logits

    def forward(self, condition: Tensor, tokens: Tensor) -> Tensor:
        """Logits ``[B,T+1,V]`` of all tokens at once, without a cache: position t holds those of token t.

        Args:
            condition: ids of prompts ``int64 [B,P]``.
            tokens: ``int64 [B,T]``, the first T of each image, fewer than all.
        """
        embedded = torch.cat([self._words(condition), self._codes(tokens)], dim=1)
        hidden = decoded(self.language_model, embedded, padding_of(condition), None)
        logits: Tensor = self.generation_head(hidden[:, condition.shape[1] - 1 :])
        return logits

    def _words(self, ids: Tensor) -> Tensor:
        embedded: Tensor = self.language_model.embed_tokens(ids.clamp(min=0))
        return embedded

    def _codes(self, tokens: Tensor) -> Tensor:
        embedded: Tensor = self.generation_aligner(self.generation_embeddings(tokens))
        return embedded


def language_config(geometry: JanusGeometry) -> Any:
    """The library's configuration of the language model.

    Raises:
        AssetMissingError: transformers is not installed, or too old.
    """
    (config,) = library_classes("janus", "LlamaConfig")
    return config(
        vocab_size=geometry.words,
        hidden_size=geometry.width,
        intermediate_size=geometry.hidden,
        num_hidden_layers=geometry.depth,
        num_attention_heads=geometry.heads,
        max_position_embeddings=16384,
        rms_norm_eps=geometry.eps,
        rope_parameters={"rope_type": "default", "rope_theta": geometry.theta},
    )


def _library(geometry: JanusGeometry) -> tuple[Any, Any, Any]:
    """The language model, the aligner of image tokens, and their head."""
    codes_config, language_model = library_classes("janus", "JanusVQVAEConfig", "LlamaModel")
    from transformers.models.janus.modeling_janus import JanusVQVAEAlignerMLP, JanusVQVAEHead

    codes = codes_config(
        embed_dim=geometry.code_width,
        num_embeddings=geometry.vocabulary,
        projection_dim=geometry.width,
        image_token_embed_dim=geometry.width,
    )
    return language_model(language_config(geometry)), JanusVQVAEAlignerMLP(codes), JanusVQVAEHead(codes)
