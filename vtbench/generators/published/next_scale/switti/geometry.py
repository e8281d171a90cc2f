"""Sizes of Switti's networks. Data; no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.networks.key_value_cache import CacheGeometry

SIDES_512 = (1, 2, 3, 4, 6, 9, 13, 18, 24, 32)
SIDES_1024 = (1, 2, 3, 4, 5, 7, 9, 12, 16, 21, 27, 36, 48, 64)
SizeName = Literal["d30", "tiny"]


@dataclass(frozen=True, kw_only=True)
class SwittiGeometry:
    """Sizes of the network.

    Attributes:
        depth: blocks.
        width: channels of a position and of the condition; a multiple of eight.
        heads: of attention; a head has a multiple of four channels.
        text_widths: channels of a token of text from the first and from the second encoder.
        causal: a scale sees those before it (Switti-AR), or itself alone.
        vocabulary: entries of the tokenizer's codebook.
        channels: of what a scale is predicted from.
        extent: positions run from 0 to this on every scale.
        schedule: of the scales.
    """

    depth: int
    width: int
    heads: int
    text_widths: tuple[int, int] = (768, 1280)
    causal: bool = False
    vocabulary: int = 4096
    channels: int = 32
    extent: int = 128
    schedule: ScaleSchedule = field(default_factory=lambda: ScaleSchedule.square(SIDES_512))

    @property
    def head_width(self) -> int:
        """Channels of a head."""
        return self.width // self.heads

    @property
    def inner(self) -> int:
        """Channels inside the feed-forward part: 8/3 of the width, rounded down."""
        return int(self.width * (8 / 3))

    def cache(self, positions: int) -> CacheGeometry:
        """What its cache must hold for so many positions."""
        return CacheGeometry(self.depth, self.heads, positions, self.head_width)


@dataclass(frozen=True, kw_only=True)
class Size:
    """What one published size decides; the rest of the geometry follows from settings."""

    depth: int
    width: int
    heads: int
    text_widths: tuple[int, int] = (768, 1280)


SIZES: dict[SizeName, Size] = {
    "d30": Size(depth=30, width=1920, heads=30),
    "tiny": Size(depth=2, width=64, heads=2, text_widths=(16, 32)),
}
"""The published size, and one for tests that no file has."""
