"""Bands of bits a pixel, in which tokenizers are looked for, and the front of a set of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Band:
    """Rates above ``low``, up to ``high`` bits a pixel."""

    low: float
    high: float

    def holds(self, rate: float) -> bool:
        """Whether a rate lies in it."""
        return self.low < rate <= self.high

    @property
    def told(self) -> str:
        """In words."""
        if self.high == float("inf"):
            return f"above {self.low:g}"
        return f"{self.low:g} to {self.high:g}" if self.low else f"up to {self.high:g}"


_ENDS = (0.0, 0.02, 0.05, 0.1, 0.3, 1.0, 4.0, float("inf"))
BANDS = tuple(Band(low, high) for low, high in pairwise(_ENDS))
"""From 32 tokens of 12 bits to 48 bits a pixel of a representation autoencoder."""


def front(points: Sequence[tuple[float, float]], higher_is_better: bool) -> set[int]:
    """Positions on the Pareto front of ``(rate, value)``: no other point has as few bits or fewer and is better."""
    sign = 1.0 if higher_is_better else -1.0
    return {
        place
        for place, (rate, value) in enumerate(points)
        if not any(other <= rate and sign * better > sign * value for other, better in points)
    }
