"""Sizes of a TiTok, without torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Sizes of a TiTok; see the adapters for what they mean.

    Attributes:
        encoder: name of its size.
        decoder: name of its size.
        tokens: latent tokens with learnt places.
        dim: channels of a token.
        entries: of the codebook; 0 for a posterior.
        two_stage: decode to MaskGIT's codes first.
        size: side of the images, in pixels.
        patch: side of a patch.
        pixel_channels: width of the pixel decoder of two stages.
        caption: tokens and channels of a text that the decoder is given; none where it is given none.
    """

    encoder: str
    decoder: str
    tokens: int
    dim: int
    entries: int
    two_stage: bool
    size: int
    patch: int
    pixel_channels: int = 128
    caption: tuple[int, int] | None = None

    @property
    def grid(self) -> int:
        """Patches a side."""
        return self.size // self.patch
