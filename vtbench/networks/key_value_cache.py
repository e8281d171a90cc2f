"""Keys and values of every layer of a decoder, filled from the left: a place of their own, no state of a module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class CacheGeometry:
    """What a cache must hold.

    Attributes:
        depth: layers.
        heads: of keys and values.
        length: positions at most, the condition's included.
        head_width: channels of a head.
    """

    depth: int
    heads: int
    length: int
    head_width: int


class KeyValueCache:
    """Keys and values of every layer.

    ``padding``, where it is given, is ``bool [batch,P]``: which of the first P positions are filled up, and seen by
    themselves alone. Keys and values know nothing of it; whoever makes a mask asks for it.

    Args:
        geometry: of the decoder.
        batch: sequences, those of guidance included.
        like: gives device and dtype.
    """

    def __init__(self, geometry: CacheGeometry, batch: int, like: Tensor) -> None:
        shape = (geometry.depth, 2, batch, geometry.heads, geometry.length, geometry.head_width)
        self._stored = like.new_zeros(shape)
        self.length = 0
        self.padding: Tensor | None = None

    @property
    def nbytes(self) -> int:
        """Bytes it takes: 2 · depth · batch · heads · length · head width · bytes a value."""
        return self._stored.numel() * self._stored.element_size()

    @property
    def peak_nbytes(self) -> int:
        """The same: all of it is taken at once."""
        return self.nbytes

    @property
    def precisions(self) -> tuple[torch.dtype, torch.dtype, torch.device]:
        """Of keys, of values, and where they lie."""
        return self._stored.dtype, self._stored.dtype, self._stored.device

    @property
    def storage(self) -> Tensor:
        """``[depth,2,batch,heads,length,head_width]``: keys, then values."""
        return self._stored

    def extended(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """All keys and values of a layer up to and with these, ``[B,heads,T,D]`` each; :meth:`advance` keeps them."""
        stop = self.length + key.shape[2]
        self._stored[layer, 0, :, :, self.length : stop] = key
        self._stored[layer, 1, :, :, self.length : stop] = value
        return self._stored[layer, 0, :, :, :stop], self._stored[layer, 1, :, :, :stop]

    def seen(self, layer: int) -> None:
        """Every head sees all that a layer holds."""

    def attended(self, layer: int, query: Tensor, raw: Callable[[], Tensor]) -> None:
        """Whatever was looked at, all is kept."""

    def advance(self, positions: int) -> None:
        """Count the positions that every layer has got since."""
        self.length += positions

    def truncate(self, length: int) -> None:
        """Forget all positions from ``length`` on. Raises ``ValueError`` where it holds fewer."""
        if not 0 <= length <= self.length:
            raise ValueError(f"a cache of {self.length} positions cannot be cut to {length}")
        self.length = length

    def halved(self) -> None:
        """Keep the first half of the sequences: what follows is not guided any more."""
        half = self._stored.shape[2] // 2
        self._stored = self._stored[:, :, :half].clone(memory_format=torch.contiguous_format)
        self.padding = None if self.padding is None else self.padding[:half]
