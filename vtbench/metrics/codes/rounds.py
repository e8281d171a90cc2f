"""Encoding and decoding over and over: once more for agreement and drift, several times for the loss of generations."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.core.errors import UsageError


class Again:
    """The reconstruction, at 8 bits, is encoded once more; nothing about it can be chosen."""


class Generations:
    """Rounds after which the picture is compared with the original.

    Args:
        rounds: ascending; the first is the plain reconstruction.

    Raises:
        UsageError: none, or no ascending positive numbers.
    """

    def __init__(self, rounds: Sequence[int] = (1, 2, 4, 8)) -> None:
        self.rounds = tuple(rounds)
        if not self.rounds or list(self.rounds) != sorted({*self.rounds}) or self.rounds[0] < 1:
            raise UsageError(f"psnr_generation: rounds are ascending and positive, got {list(self.rounds)}")

    def column(self, round_number: int) -> str:
        """Of the rows after one of the rounds; the last one's bears the metric's own name."""
        return "psnr_generation" if round_number == self.rounds[-1] else f"psnr_generation_{round_number}"

    @property
    def columns(self) -> tuple[str, ...]:
        """One a round."""
        return tuple(self.column(number) for number in self.rounds)
