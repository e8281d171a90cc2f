"""Decoders of the library behind prompts of unequal length: padding on the left, that nothing sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vtbench.generators.published.library.cache import cached
from vtbench.generators.text.prompts import PADDED
from vtbench.networks.key_value_cache import KeyValueCache

if TYPE_CHECKING:
    from vtbench.networks.key_value_cache import CacheGeometry


class PaddedCache(KeyValueCache):
    """A cache that remembers where each sequence begins, and its image.

    Attributes:
        padding: ``int64 [B]``, positions before each sequence; ``None`` where there are none.
        prompt: positions of the prompts, padding included.
    """

    def __init__(self, geometry: CacheGeometry, batch: int, like: Tensor) -> None:
        super().__init__(geometry, batch, like)
        self.padding: Tensor | None = None
        self.prompt = 0

    def halved(self) -> None:
        """Keep the first half of the sequences."""
        super().halved()
        self.padding = None if self.padding is None else self.padding[: len(self.padding) // 2]


@dataclass(frozen=True)
class PromptedHost:
    """A network behind prompts of one length, as the loops run it.

    Attributes:
        network: with ``prefill``, ``step``, ``tokens``, ``row_length`` and ``make_cache(batch, prompt)``.
        prompt: positions of the prompts, padding included.
    """

    network: Any
    prompt: int

    @property
    def tokens(self) -> int:
        """Tokens of an image."""
        return int(self.network.tokens)

    @property
    def row_length(self) -> int:
        """Tokens of a row of it."""
        return int(self.network.row_length)

    def make_cache(self, batch: int) -> PaddedCache:
        """An empty cache for so many sequences of prompt and image."""
        made: PaddedCache = self.network.make_cache(batch, self.prompt)
        return made

    def prefill(self, condition: Tensor, cache: Any) -> Tensor:
        """Ids of prompts ``int64 [B,T]`` to logits ``[B,V]`` of token 0; ``cache``: a :class:`PaddedCache`."""
        cache.padding, cache.prompt = padding_of(condition), condition.shape[1]
        logits: Tensor = self.network.prefill(condition, cache)
        return logits

    def step(self, tokens: Tensor, cache: Any) -> Tensor:
        """The next G tokens ``int64 [B,G]`` to the logits ``[B,G,V]`` of those after each."""
        logits: Tensor = self.network.step(tokens, cache)
        return logits


def padding_of(condition: Tensor) -> Tensor | None:
    """Ids ``int64 [B,T]`` to the positions before each text, ``int64 [B]``; ``None`` where there are none."""
    padding = (condition == PADDED).sum(dim=1)
    return padding if bool(padding.any()) else None


def decoded(decoder: Any, embedded: Tensor, padding: Tensor | None, cache: KeyValueCache | None) -> Tensor:
    """Hidden states ``[B,G,D]`` of the next G positions, seen causally, from their embeddings ``[B,G,D]``.

    Args:
        decoder: of the library, without a head; it turns positions, which count from the beginning of each text.
        embedded: of the positions.
        padding: as :func:`padding_of` tells it.
        cache: of the positions before them; ``None`` where there are none, and none will follow.
    """
    count, before = embedded.shape[1], 0 if cache is None else cache.length
    more = {}
    if padding is not None:
        places = torch.arange(before + count, device=embedded.device)
        positions = (places[before:] - padding[:, None]).clamp(min=0)
        more = {"attention_mask": places >= padding[:, None], "position_ids": positions}
    return cached(decoder, cache, count, inputs_embeds=embedded, **more)
