"""One vector an image from latents, or from the entries that its indices name: the mean over positions."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vtbench.core.codes import Codes

LATENTS, EMBEDDINGS = "latents", "embeddings"
_VALUES_AT_ONCE = 1 << 24
"""Of entries gathered at once: 128 MiB of float64."""


class Pooling:
    """Pools codes of one model.

    Args:
        codebook: ``float [K,D]`` of a level; ``None`` where there is none to show. Asked once a level.
    """

    def __init__(self, codebook: Callable[[int], Tensor | None]) -> None:
        self._codebook = codebook
        self._known: dict[int, Tensor | None] = {}

    def __call__(self, codes: Codes) -> dict[str, Tensor]:
        """``latents``, ``float32 [B,C]``, or ``embeddings``, ``float32 [B, sum of D]``, levels side by side.

        On the device of the codes; sums are in float64. Nothing of bits, payloads, and indices without codebooks.
        """
        if codes.latents is not None:
            return {LATENTS: codes.latents.flatten(2).double().mean(2).float()}
        books = [self._book(level, indices.device) for level, indices in enumerate(codes.levels)]
        known = [book for book in books if book is not None]
        if not codes.levels or len(known) < len(books):
            return {}
        pooled = [_pooled(indices.flatten(1), book) for indices, book in zip(codes.levels, known, strict=True)]
        return {EMBEDDINGS: torch.cat(pooled, dim=1).float()}

    def _book(self, level: int, device: torch.device) -> Tensor | None:
        if level not in self._known:
            book = self._codebook(level)
            self._known[level] = None if book is None else book.detach().to(device)
        return self._known[level]


def _pooled(indices: Tensor, book: Tensor) -> Tensor:
    """``int64 [B,T]`` and ``float [K,D]`` to ``float64 [B,D]``."""
    step = max(1, _VALUES_AT_ONCE // (indices.shape[1] * book.shape[1]))
    return torch.cat([book[part].double().mean(1) for part in torch.split(indices, step)])
