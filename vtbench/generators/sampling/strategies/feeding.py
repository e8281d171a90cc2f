"""What goes through a host's network, from where in each sequence, and what it counts to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vtbench.networks.ragged_cache import RaggedCache

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.sampling.next_token import NextTokenHost


class Feed:
    """Passes through a host in which every image may stand at a token of its own.

    Args:
        host: one with ``ragged = True`` takes images at different tokens, any other an image at a time.
        conditions: of the batch, as the host takes them; both halves where ``doubled``.
        doubled: whether guidance doubles the batch.
    """

    def __init__(self, host: NextTokenHost, conditions: Any, doubled: bool) -> None:
        self._host, self._conditions, self.doubled = host, conditions, doubled
        self._rows = len(conditions)
        self._cache = host.make_cache(self._rows)
        self.largest_bytes = self._cache.nbytes
        self.passes = self.computed = 0

    @property
    def cache_bytes(self) -> int:
        """Of the cache now; ``largest_bytes`` are those it began with."""
        return self._cache.nbytes

    def prefilled(self) -> Tensor:
        """Logits ``[B,V]`` of token 0."""
        logits = self._host.prefill(self._conditions, self._cache)
        self._condition = self._cache.length
        self._count(self._condition)
        if getattr(self._host, "ragged", False):
            self._cache = RaggedCache(self._cache)
        return logits

    def stepped(self, tokens: Tensor, first: Tensor) -> Tensor:
        """``int64 [B,G]``, consecutive tokens of each image from its token ``first`` on, to logits ``[B,G,V]``."""
        starts = first + self._condition
        if self.doubled:
            tokens, starts = tokens.repeat(2, 1), starts.repeat(2)
        if isinstance(self._cache, RaggedCache):
            self._cache.place(starts, tokens.shape[1])
        else:
            self._cache.truncate(int(starts[0]))
        self._count(tokens.shape[1])
        return self._host.step(tokens, self._cache)

    def halved(self) -> None:
        """No token to come is guided: the conditional half goes on alone."""
        if self.doubled:
            self._cache.halved()
            self.doubled, self._rows = False, self._rows // 2

    def _count(self, positions: int) -> None:
        self.passes += 1
        self.computed += positions * self._rows
