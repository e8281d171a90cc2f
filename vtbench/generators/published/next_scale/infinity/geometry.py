"""Sizes of Infinity's network: one frozen value, passed whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vtbench.generators.published.next_scale.infinity.schedules import Sides
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.networks.key_value_cache import CacheGeometry

SizeName = Literal["2b", "8b", "tiny"]
CrossAttentionPrecision = Literal["float32", "bfloat16"]
KeyPrecision = Literal["float32", "values"]

POOLING_HEAD = 128
"""Channels of text a head of the pooling has, at every published size."""


@dataclass(frozen=True, kw_only=True)
class InfinityGeometry:
    """Sizes of the network.

    Attributes:
        depth: blocks.
        width: channels of a position and of the condition.
        heads: of attention.
        chunks: that the blocks are filed in; it names them and moves no number.
        bits: of a token.
        schedule: of the scales; the first has one token.
        finest: sides on which positions are counted: of the last scale of the aspect ratio's full schedule.
        text_width: channels of a token of text.
        text_length: tokens of text at most.
        levels: scales that have an embedding.
        cross_attention: precision of what attention to the text takes and gives in a network of float32. The kernel
            that the authors call takes bfloat16 alone; in a network of bfloat16 there is no difference.
        key_cache: precision of cached keys.
        subject: it has learnt a feature that stands for a subject.
    """

    depth: int
    width: int
    heads: int
    chunks: int
    bits: int
    schedule: ScaleSchedule
    finest: Sides
    text_width: int = 2048
    text_length: int = 512
    levels: int = 15
    cross_attention: CrossAttentionPrecision = "float32"
    key_cache: KeyPrecision = "float32"
    subject: bool = False

    @property
    def head_width(self) -> int:
        """Channels of a head of self-attention."""
        return self.width // self.heads

    @property
    def pooling_heads(self) -> int:
        """Heads of the pooling of text, each with a question of its own."""
        return self.text_width // POOLING_HEAD

    def cache(self, positions: int) -> CacheGeometry:
        """What its cache must hold for so many positions."""
        return CacheGeometry(self.depth, self.heads, positions, self.head_width)


@dataclass(frozen=True, kw_only=True)
class Size:
    """What differs from size to size; attributes as of :class:`InfinityGeometry`."""

    depth: int
    width: int
    heads: int
    chunks: int = 8
    text_width: int = 2048


SIZES: dict[SizeName, Size] = {
    "2b": Size(depth=32, width=2048, heads=16),
    "8b": Size(depth=40, width=3584, heads=28),
    "tiny": Size(depth=2, width=32, heads=2, chunks=2, text_width=256),
}
"""Those with published weights, and one for tests that no file has."""
