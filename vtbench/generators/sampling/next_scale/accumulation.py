"""How the codes of the scales so far become what the next scale is predicted from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch.nn.functional as F

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule


class Accumulator(Protocol):
    """What stands for the scales so far, and how each next one looks at it. It holds no image: ``total`` goes in and
    comes out."""

    def added(self, total: Tensor | None, codes: Tensor, scale: int) -> Tensor:
        """The total with a scale's codes in it, ``float32 [B,C,h,w]``.

        Args:
            total: of the scales before; ``None`` before the first.
            codes: ``int64 [B,T]``, row after row; bits have an axis more.
            scale: k.
        """

    def seen_by(self, scale: int, total: Tensor) -> Tensor:
        """What scale k, 1 or more, is predicted from: ``float32 [B,C,h,w]`` at its own sides."""


@dataclass(frozen=True, eq=False)
class ResidualAccumulator:
    """VAR's: every scale adds to a map of the last one's sides, which the next scale sees through means over areas.

    Attributes:
        schedule: of the scales.
        contribution: codes ``int64 [B,h,w]`` and k to what they add, ``[B,C,H,W]`` at the last sides.
    """

    schedule: ScaleSchedule
    contribution: Callable[[Tensor, int], Tensor]

    def added(self, total: Tensor | None, codes: Tensor, scale: int) -> Tensor:
        """As :meth:`Accumulator.added`."""
        added = self.contribution(_as_map(codes, self.schedule.sizes[scale]), scale).float()
        return added if total is None else total + added

    def seen_by(self, scale: int, total: Tensor) -> Tensor:
        """As :meth:`Accumulator.seen_by`."""
        return F.interpolate(total, size=self.schedule.sizes[scale], mode="area")


@dataclass(frozen=True, eq=False)
class LatestScale:
    """FlexVAR's: a scale takes the place of those before it, and the next one sees it, bicubic without antialiasing.

    Attributes:
        schedule: of the scales.
        vectors: codes ``int64 [B,h,w]`` to the codebook's vectors, ``[B,C,h,w]``.
    """

    schedule: ScaleSchedule
    vectors: Callable[[Tensor], Tensor]

    def added(self, total: Tensor | None, codes: Tensor, scale: int) -> Tensor:
        """As :meth:`Accumulator.added`: of these codes alone."""
        return self.vectors(_as_map(codes, self.schedule.sizes[scale])).float()

    def seen_by(self, scale: int, total: Tensor) -> Tensor:
        """As :meth:`Accumulator.seen_by`."""
        return F.interpolate(total, size=self.schedule.sizes[scale], mode="bicubic")


def maps_of(accumulator: Accumulator, levels: Sequence[Tensor]) -> list[Tensor | None]:
    """What each scale is predicted from, given the codes ``int64 [B,T]`` of all; ``None`` of the first."""
    total: Tensor | None = None
    maps: list[Tensor | None] = [None]
    for scale, codes in enumerate(levels[:-1]):
        total = accumulator.added(total, codes, scale)
        maps.append(accumulator.seen_by(scale + 1, total))
    return maps


def _as_map(codes: Tensor, size: tuple[int, int]) -> Tensor:
    """``int64 [B,T]``, row after row, to ``[B,h,w]``."""
    return codes.reshape(-1, *size)
