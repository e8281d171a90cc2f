"""Scale schedules: the sides of the token maps of an image, coarsest first. Data; no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vtbench.core.errors import UsageError


@dataclass(frozen=True)
class ScaleSchedule:
    """Heights and widths of the token maps. Scale k runs from 0 to K-1.

    Attributes:
        sizes: ``(height, width)`` of each, coarsest first.

    Raises:
        UsageError: no scale, or a side below 1.
    """

    sizes: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        if not self.sizes or any(side < 1 for size in self.sizes for side in size):
            told = [list(size) for size in self.sizes]
            raise UsageError(f"scales {told}: every side must be 1 or more, and there must be one scale at least")

    @classmethod
    def square(cls, sides: Sequence[int]) -> ScaleSchedule:
        """Of square maps; raises as the class."""
        return cls(tuple((int(side), int(side)) for side in sides))

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def lengths(self) -> tuple[int, ...]:
        """Tokens of each scale."""
        return tuple(height * width for height, width in self.sizes)

    @property
    def tokens(self) -> int:
        """Of an image, over all scales."""
        return sum(self.lengths)

    def before(self, scale: int) -> int:
        """Tokens of the scales before that one; of all, for K."""
        return sum(self.lengths[:scale])

    def as_recorded(self) -> list[int] | list[list[int]]:
        """Sides where all maps are square, else heights and widths."""
        if all(height == width for height, width in self.sizes):
            return [height for height, _ in self.sizes]
        return [list(size) for size in self.sizes]
