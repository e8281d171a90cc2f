"""Sizes of MAR's networks."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class MarGeometry:
    """Sizes of a network: an encoder of what is known, a decoder of all places, and the perceptron that denoises.

    Attributes:
        width: channels of encoder and decoder.
        depth: blocks of each.
        heads: of attention.
        head_depth: blocks of the perceptron.
        head_width: its channels.
        side: tokens along one side of an image.
        channels: values of a token.
        buffer: places that hold the class, before those of the image.
        classes: class labels; the one behind the last is none.
    """

    width: int
    depth: int
    heads: int
    head_depth: int
    head_width: int
    side: int = 16
    channels: int = 16
    buffer: int = 64
    classes: int = 1000

    @property
    def places(self) -> int:
        """Tokens of an image."""
        return self.side**2


BASE = MarGeometry(width=768, depth=12, heads=12, head_depth=6, head_width=1024)
SIZES = {
    "B": BASE,
    "L": replace(BASE, width=1024, depth=16, heads=16, head_depth=8, head_width=1280),
    "H": replace(BASE, width=1280, depth=20, heads=16, head_depth=12, head_width=1536),
    "nano": MarGeometry(width=192, depth=3, heads=6, head_depth=3, head_width=192, side=8, channels=4, buffer=8),
    "tiny": MarGeometry(width=64, depth=1, heads=4, head_depth=2, head_width=64, side=4, buffer=4),
}
"""Published sizes (MAR, table 3 and the commands of its README), that of the reference zoo (``nano``), and one for
tests that no file has."""
