"""Sizes of VAR's tokenizer, without torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Sizes of a multi-scale residual VQ-VAE.

    Attributes:
        channels: width of the finest level of the network.
        multipliers: width of each level as a multiple; each but the last halves the sides.
        blocks: residual blocks of a level.
        entries: of the codebook.
        latents: channels of an entry.
        scales: sides of the token maps, the smallest first.
        smoothings: convolutions that the scales share.
    """

    channels: int
    multipliers: tuple[int, ...]
    blocks: int
    entries: int
    latents: int
    scales: tuple[int, ...]
    smoothings: int

    @property
    def factor(self) -> int:
        """Pixels a token of the last scale, a side."""
        return 1 << (len(self.multipliers) - 1)
