"""A cache in which every sequence stands at a position of its own, as sequences do that are verified by speculation."""

from __future__ import annotations

import torch
from torch import Tensor

from vtbench.networks.key_value_cache import KeyValueCache


class RaggedCache(KeyValueCache):
    """Writes the next keys and values of each sequence where :meth:`place` says; what lies behind them is not seen.

    Args:
        cache: whose storage it takes over.
    """

    def __init__(self, cache: KeyValueCache) -> None:
        self._stored = cache.storage
        self.length, self.padding = cache.length, cache.padding
        self._rows = torch.arange(self._stored.shape[2], device=self._stored.device)[:, None]
        self._at = self._rows

    def place(self, starts: Tensor, count: int) -> None:
        """The next ``count`` positions of each sequence begin at ``starts``, ``int64 [B]``."""
        self._at = starts[:, None] + torch.arange(count, device=starts.device)
        self._rows = torch.arange(len(starts), device=starts.device)[:, None]
        self.length = int(starts.max()) + count

    def extended(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of a layer up to the furthest sequence; :meth:`mask` says what each one sees of them."""
        keys, values = self._stored[layer, 0], self._stored[layer, 1]
        keys[self._rows, :, self._at] = key.transpose(1, 2)
        values[self._rows, :, self._at] = value.transpose(1, 2)
        return keys[:, :, : self.length], values[:, :, : self.length]

    def advance(self, positions: int) -> None:
        """Nothing: :meth:`place` counts."""

    def rows(self, table: Tensor) -> Tensor:
        """Those of a table, ``[B,count,…]``, that belong to the placed positions."""
        return table[self._at]

    def mask(self) -> Tensor:
        """``bool [B,1,count,length]``: each placed position sees its own sequence up to itself, without padding."""
        seen = torch.arange(self.length, device=self._at.device) <= self._at[..., None]
        if self.padding is not None:
            seen[..., : self.padding.shape[1]] &= ~self.padding[:, None]
        return seen[:, None]
