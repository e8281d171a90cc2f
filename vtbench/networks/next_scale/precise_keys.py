"""Keys in float32 beside values in the precision of the weights: how Infinity's code caches what it has rotated."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vtbench.networks.key_value_cache import CacheGeometry


class PreciseKeysCache:
    """Keys and values of every layer, filled from the left.

    It is :class:`~vtbench.networks.key_value_cache.KeyValueCache` but for the precision of the keys.

    Args:
        geometry: of the decoder.
        batch: sequences, those of guidance included.
        like: gives the device, and the precision of the values.
    """

    def __init__(self, geometry: CacheGeometry, batch: int, like: Tensor) -> None:
        shape = (geometry.depth, batch, geometry.heads, geometry.length, geometry.head_width)
        self._keys = like.new_zeros(shape, dtype=torch.float32)
        self._values = like.new_zeros(shape)
        self.length = 0

    @property
    def nbytes(self) -> int:
        """Bytes it takes: depth · batch · heads · length · head width · (4 + bytes a value)."""
        return sum(part.numel() * part.element_size() for part in (self._keys, self._values))

    @property
    def peak_nbytes(self) -> int:
        """The same: all of it is taken at once."""
        return self.nbytes

    @property
    def precisions(self) -> tuple[torch.dtype, torch.dtype, torch.device]:
        """Of keys, of values, and where they lie."""
        return self._keys.dtype, self._values.dtype, self._keys.device

    def extended(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """All keys and values of a layer up to and with these, ``[B,heads,T,D]`` each; :meth:`advance` keeps them."""
        stop = self.length + key.shape[2]
        self._keys[layer, :, :, self.length : stop] = key
        self._values[layer, :, :, self.length : stop] = value
        return self._keys[layer, :, :, :stop], self._values[layer, :, :, :stop]

    def seen(self, layer: int) -> None:
        """Every head sees all that a layer holds."""

    def attended(self, layer: int, query: Tensor, raw: Callable[[], Tensor]) -> None:
        """Whatever was looked at, all is kept."""

    def advance(self, positions: int) -> None:
        """Count the positions that every layer has got since."""
        self.length += positions

    def halved(self) -> None:
        """Keep the first half of the sequences: what follows is not guided any more."""
        half = self._keys.shape[1] // 2
        self._keys, self._values = self._keys[:, :half].clone(), self._values[:, :half].clone()
