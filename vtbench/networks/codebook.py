"""A codebook under the name that most published quantisers give it."""

from __future__ import annotations

from torch import nn


class Codebook(nn.Module):
    """Name: ``embedding``, ``float [entries, channels]``."""

    def __init__(self, entries: int, channels: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(entries, channels)
