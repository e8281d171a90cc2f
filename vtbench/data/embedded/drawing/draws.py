"""Seeded choices that are the same on every machine and every Python."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

from vtbench.core.seeds import sample_seed

T = TypeVar("T")


class Draws:
    """Choices drawn for one sample.

    Only ``random.random()`` is used: Python guarantees its sequence for a seed, and not that of ``choice``.

    Args:
        seed: seed of the data set.
        sample_id: the sample; each has its own stream, so that adding samples moves none.
    """

    def __init__(self, seed: int, sample_id: str) -> None:
        self._random = random.Random(sample_seed(seed, sample_id))

    def below(self, n: int) -> int:
        """An integer in ``[0, n)``."""
        return int(self._random.random() * n)

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.below(len(options))]

    def shuffled(self, options: Sequence[T]) -> list[T]:
        """The options in random order (Fisher and Yates)."""
        mixed = list(options)
        for last in range(len(mixed) - 1, 0, -1):
            other = self.below(last + 1)
            mixed[last], mixed[other] = mixed[other], mixed[last]
        return mixed
