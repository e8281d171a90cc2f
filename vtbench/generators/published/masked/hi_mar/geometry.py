"""Sizes of Hi-MAR's networks: MAR's, and those of what comes on top."""

from __future__ import annotations

from dataclasses import dataclass

from vtbench.generators.published.masked.mar.geometry import SIZES as MAR_SIZES
from vtbench.generators.published.masked.mar.geometry import MarGeometry


@dataclass(frozen=True, kw_only=True)
class HiMarGeometry:
    """Sizes of a network: coarse tokens first, of the image at half its side, then those of the image.

    Attributes:
        trunk: encoder, decoder and the perceptron that denoises coarse tokens.
        map_depth: blocks of the transformer that denoises the others.
        map_width: its channels.
        map_heads: of its attention.
        coarse_side: coarse tokens along one side.
    """

    trunk: MarGeometry
    map_depth: int
    map_width: int
    map_heads: int
    coarse_side: int = 8

    @property
    def coarse_places(self) -> int:
        """Coarse tokens of an image."""
        return self.coarse_side**2

    @property
    def places(self) -> int:
        """Tokens of both kinds."""
        return self.coarse_places + self.trunk.places


SIZES = {
    "B": HiMarGeometry(trunk=MAR_SIZES["B"], map_depth=6, map_width=512, map_heads=8),
    "L": HiMarGeometry(trunk=MAR_SIZES["L"], map_depth=8, map_width=512, map_heads=8),
    "H": HiMarGeometry(trunk=MAR_SIZES["H"], map_depth=12, map_width=768, map_heads=12),
    "tiny": HiMarGeometry(trunk=MAR_SIZES["tiny"], map_depth=1, map_width=64, map_heads=4, coarse_side=2),
}
"""Published sizes (the commands of its README), and one for tests that no file has."""
