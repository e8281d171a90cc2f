"""Sizes of an MGVQ, without torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Sizes of an MGVQ.

    Attributes:
        widths: of each level, the finest first; each but the last halves the sides.
        encoder: blocks a level; none at the first, whose place a convolution takes.
        decoder: the same of the decoder.
        channels: of the latents; the groups share them evenly.
        groups: of channels, with a codebook each.
        entries: of each codebook.
    """

    widths: tuple[int, ...]
    encoder: tuple[int, ...]
    decoder: tuple[int, ...]
    channels: int
    groups: int
    entries: int
