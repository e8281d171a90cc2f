"""Sizes of a BSQ-ViT, without torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Sizes of a BSQ-ViT's two towers.

    Attributes:
        bits: of a token.
        size: side of the images, in pixels.
        patch: side of a patch.
        width: of the towers.
        layers: of each tower.
        heads: of a layer.
        hidden: width before the decoder's last matrix.
    """

    bits: int
    size: int
    patch: int
    width: int
    layers: int
    heads: int
    hidden: int

    @property
    def grid(self) -> int:
        """Tokens a side."""
        return self.size // self.patch
