"""Bits that add up: each scale is spread over the sides of the last, and the sum is what the next one sees.

Going down, Infinity resizes the sum as it does going up, by bilinear interpolation, where training took means over
areas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtbench.networks.next_scale.bitwise import Down, gathered, on_sphere, spread

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule


@dataclass(frozen=True, eq=False)
class BitwiseAccumulator:
    """Infinity's; see :class:`vtbench.generators.sampling.next_scale.accumulation.Accumulator`.

    Attributes:
        schedule: of the scales, in tokens.
        patch: latents along a side of a token.
        down: how the sum becomes what a scale sees.
    """

    schedule: ScaleSchedule
    patch: int = 1
    down: Down = "bilinear"

    def added(self, total: Tensor | None, codes: Tensor, scale: int) -> Tensor:
        """The sum with the bits ``int64 [B,T,C]`` of a scale in it, channel 0 first: ``float32 [B,C/p²,p·H,p·W]``."""
        bits = codes.reshape(len(codes), *self.schedule.sizes[scale], -1)
        signs = bits.movedim(-1, 1).float().mul(2).sub(1)
        height, width = self.schedule.sizes[-1]
        added = spread(on_sphere(signs, self.patch), (height * self.patch, width * self.patch))
        return added if total is None else total + added

    def seen_by(self, scale: int, total: Tensor) -> Tensor:
        """``float32 [B,C,h,w]``."""
        return gathered(total, self.schedule.sizes[scale], self.patch, self.down)
