"""A next-token host that is a table: the next token depends on the condition and the last token alone."""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

from vtbench.generators.sampling.filters import probabilities
from vtbench.generators.sampling.guidance import guide
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.networks.key_value_cache import CacheGeometry, KeyValueCache


class TableHost:
    """Conditions are 0 and 1; the cache remembers the condition, as its keys would."""

    ragged = True

    def __init__(self, vocabulary: int, tokens: int, blind: bool = False) -> None:
        generator = torch.Generator().manual_seed(1)
        self.vocabulary, self.tokens, self.row_length = vocabulary, tokens, 2
        self.first = 1.5 * torch.randn(2, vocabulary, generator=generator)
        self.then = 1.5 * torch.randn(2, vocabulary, vocabulary, generator=generator)
        if blind:
            self.then = self.first[:, None].expand(-1, vocabulary, -1).contiguous()

    def make_cache(self, batch: int) -> KeyValueCache:
        return KeyValueCache(CacheGeometry(1, 1, self.tokens, 1), batch, torch.zeros(1))

    def prefill(self, condition: Tensor, cache: KeyValueCache) -> Tensor:
        cache.extended(0, condition[:, None, None, None].float(), condition[:, None, None, None].float())
        cache.advance(1)
        return self.first[condition]

    def step(self, tokens: Tensor, cache: KeyValueCache) -> Tensor:
        cache.advance(tokens.shape[1])
        condition = cache.storage[0, 0, :, 0, 0, 0].long()
        return self.then[condition[:, None], tokens]

    def distribution(self, settings: SamplerSettings) -> Tensor:
        """``float64 [V^N]`` of whole sequences, plainly sampled with condition 0 and 1 for none."""
        at = [settings.guidance.strength(token, self.tokens) for token in range(self.tokens)]
        first = probabilities(guide(self.first[:1], self.first[1:], at[0]), settings.filters)[0]
        then = [probabilities(guide(self.then[0], self.then[1], scale), settings.filters) for scale in at]
        found = []
        for sequence in product(range(self.vocabulary), repeat=self.tokens):
            chance = first[sequence[0]]
            for place in range(1, self.tokens):
                chance = chance * then[place][sequence[place - 1], sequence[place]]
            found.append(chance)
        return torch.stack(found).double()
