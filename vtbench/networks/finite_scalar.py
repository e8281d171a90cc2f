"""Finite scalar quantisation (Mentzer et al., 2309.15505): every channel rounded to one of a few levels of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

MARGIN = 1e-3
"""By how much the bound exceeds the outermost level, so that it can be reached (appendix A.1)."""


@dataclass(frozen=True)
class FiniteScalar:
    """A codebook of ``prod(levels)`` points; the first channel is the lowest digit of an index.

    Attributes:
        levels: values that each channel may take.
    """

    levels: tuple[int, ...]

    @classmethod
    def of(cls, levels: Sequence[int]) -> FiniteScalar:
        """From any sequence of them."""
        return cls(tuple(levels))

    @property
    def entries(self) -> int:
        """Points of the codebook."""
        return math.prod(self.levels)

    def indices(self, latents: Tensor) -> Tensor:
        """``float [B,C,*grid]`` to the index of the point that each becomes, ``int64 [B,*grid]``, in float32 whatever
        the precision. An odd number of levels is bounded around 0, an even one half a level below."""
        import torch

        counts = torch.tensor(self.levels, device=latents.device)
        digits = self._bounded(latents).round().long() + counts // 2
        return (digits * self._places(latents)).sum(-1)

    def bounded(self, latents: Tensor) -> Tensor:
        """The values that rounding makes points of, ``float32 [B,C,*grid]`` in [-1, 1] and a little beyond: what a
        gradient passes through."""
        import torch

        half = torch.tensor(self.levels, device=latents.device) // 2
        return (self._bounded(latents) / half).movedim(-1, 1)

    def _bounded(self, latents: Tensor) -> Tensor:
        """``float32 [B,*grid,C]``, in levels."""
        import torch

        counts = torch.tensor(self.levels, device=latents.device, dtype=torch.float32)
        half = (counts - 1) * (1 + MARGIN) / 2
        offset = torch.where(counts % 2 == 0, 0.5, 0.0)
        return (latents.movedim(1, -1).float() + (offset / half).atanh()).tanh() * half - offset

    def points(self, indices: Tensor) -> Tensor:
        """``int64 [B,*grid]`` to the points, ``float32 [B,C,*grid]`` in [-1, 1]."""
        import torch

        counts = torch.tensor(self.levels, device=indices.device)
        digits = indices[..., None] // self._places(indices) % counts
        half = counts // 2
        return ((digits - half) / half).movedim(-1, 1).contiguous()

    def _places(self, like: Tensor) -> Tensor:
        import torch

        places = [math.prod(self.levels[:channel]) for channel in range(len(self.levels))]
        return torch.tensor(places, device=like.device)
