"""In which order the tokens of an image are drawn, where a pass draws more than one: groups of positions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class DecodingOrder:
    """Groups of positions, one a pass; each position once.

    Attributes:
        name: as it is recorded.
        groups: positions in the tokenizer's own order (raster on a grid), in the order in which they are drawn.

    Raises:
        ValueError: a position that is left out, or comes twice.
    """

    name: str
    groups: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        if sorted(self.positions()) != list(range(self.tokens)):
            raise ValueError(f"the order {self.name} does not hold every position from 0 to {self.tokens - 1} once")

    @property
    def tokens(self) -> int:
        """Tokens of an image."""
        return sum(len(group) for group in self.groups)

    def positions(self) -> Iterator[int]:
        """All, as they are drawn."""
        for group in self.groups:
            yield from group

    def before(self) -> list[int]:
        """How many tokens are there when each group is drawn."""
        counts = [0]
        for group in self.groups[:-1]:
            counts.append(counts[-1] + len(group))
        return counts


def anti_diagonals(side: int) -> DecodingOrder:
    """Of a square grid: all as far from the first corner at once, upper ones first; NAR's 2 side - 1 passes."""
    diagonals = (
        tuple(row * side + distance - row for row in range(side) if 0 <= distance - row < side)
        for distance in range(2 * side - 1)
    )
    return DecodingOrder("anti-diagonal", tuple(diagonals))


def singly_then_groups(tokens: int, singles: int, group: int) -> DecodingOrder:
    """One by one up to ``singles``, then ``group`` at once (DetailFlow).

    Args:
        tokens: of an image; ``singles`` and whole groups.
        singles: tokens of a pass of their own.
        group: tokens of each later pass.
    """
    first = tuple((position,) for position in range(singles))
    rest = (tuple(range(start, start + group)) for start in range(singles, tokens, group))
    return DecodingOrder(f"{singles} singly, then {group} at once", (*first, *rest))
