"""XQ-GAN's quantisers (Li et al., XQ-GAN, 2412.01762, section 3): one map, or a map a scale, of entries or of signs.

Each takes latents ``[B,C,h,w]`` to the codes of every scale, and those back to latents.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import nn

from vtbench.networks.binary import to_bits, to_signs
from vtbench.networks.codebook import Codebook
from vtbench.networks.nearest import nearest_codes, nearest_directions
from vtbench.networks.next_scale.residual_scales import ResidualScales

if TYPE_CHECKING:
    from torch import Tensor

SMOOTHINGS = 4


class OneMap(Codebook):
    """Every position becomes the entry of nearest direction, of unit length. Name: ``embedding``, of unit rows."""

    def encode(self, latents: Tensor) -> tuple[Tensor, ...]:
        return (nearest_directions(latents, self.embedding),)

    def decode(self, levels: Sequence[Tensor]) -> Tensor:
        output: Tensor = self.embedding(levels[0]).movedim(-1, 1)
        return output


class EntriesOfScales(ResidualScales):
    """Scales choose by direction, and take the entry as it is. Names: also ``embedding``."""

    def __init__(self, entries: int, channels: int, scales: Sequence[int]) -> None:
        super().__init__(channels, scales, SMOOTHINGS)
        self.embedding = nn.Embedding(entries, channels)

    def codes(self, latents: Tensor) -> Tensor:
        return nearest_codes(F.normalize(latents, dim=1), F.normalize(self.embedding.weight.float(), dim=1))

    def entries(self, codes: Tensor) -> Tensor:
        output: Tensor = self.embedding(codes).movedim(-1, 1)
        return output


class SignsOfScales(ResidualScales):
    """Latents of unit length; a code is the signs of what is left, which stand for a point of the unit sphere."""

    def __init__(self, channels: int, scales: Sequence[int]) -> None:
        super().__init__(channels, scales, SMOOTHINGS)

    def encode(self, latents: Tensor) -> tuple[Tensor, ...]:
        return super().encode(F.normalize(latents.float(), dim=1))

    def codes(self, latents: Tensor) -> Tensor:
        return to_bits(latents)

    def entries(self, codes: Tensor) -> Tensor:
        dtype = next(self.parameters()).dtype
        signs: Tensor = to_signs(codes, dtype) / codes.shape[-1] ** 0.5
        return signs
