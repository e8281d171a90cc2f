"""What the code of a published tokenizer holds, at 256x256 pixels: tokens, codebooks, bits a pixel."""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict, model_validator

PIXELS = 256 * 256
LATENT_BITS = 16
"""Bits charged for one latent value: the storage of half precision."""


class Geometry(BaseModel):
    """Codes of a 256x256 image. Exactly one of ``codebook_sizes``, ``bits`` and ``latent_channels`` is given.

    Attributes:
        tokens: grid positions a level (a scale or a codebook), coarsest first.
        codebook_sizes: entries a level; one entry stands for all levels.
        bits: bits a token (LFQ, BSQ), a level; one entry stands for all levels.
        latent_channels: values a position, of a continuous tokenizer with one level.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokens: tuple[int, ...]
    codebook_sizes: tuple[int, ...] = ()
    bits: tuple[int, ...] = ()
    latent_channels: int = 0

    @model_validator(mode="after")
    def _check(self) -> Geometry:
        given = [name for name in ("codebook_sizes", "bits", "latent_channels") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"give one of codebook_sizes, bits, latent_channels; got {given or 'none'}")
        if not self.tokens or min(self.tokens) < 1:
            raise ValueError("tokens must be positive, one entry a level")
        if given[0] != "latent_channels" and len(getattr(self, given[0])) not in (1, len(self.tokens)):
            raise ValueError(f"{given[0]} needs one entry, or one a level")
        return self

    @property
    def token_count(self) -> int:
        """Tokens of an image, over all levels."""
        return sum(self.tokens)

    @property
    def code(self) -> str:
        """One token in words: ``4096 entries``, ``18 bits``, ``16 channels``; sizes that differ, a level each."""
        if self.latent_channels:
            return f"{self.latent_channels} channels"
        sizes, unit = (self.codebook_sizes, "entries") if self.codebook_sizes else (self.bits, "bits")
        return f"{', '.join(str(size) for size in dict.fromkeys(sizes))} {unit}"

    @property
    def total_bits(self) -> float:
        """Bits of an image: log2 K a token, ``bits`` a token, or 16 a latent value."""
        if self.latent_channels:
            return float(self.token_count * self.latent_channels * LATENT_BITS)
        each = [math.log2(size) for size in self.codebook_sizes] or [float(number) for number in self.bits]
        per_level = each * len(self.tokens) if len(each) == 1 else each
        return sum(count * bits for count, bits in zip(self.tokens, per_level, strict=True))

    @property
    def bits_per_pixel(self) -> float:
        """Bits a pixel of the 256x256 image."""
        return self.total_bits / PIXELS
