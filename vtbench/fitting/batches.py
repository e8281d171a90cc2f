"""Which samples a step is shown: cut from permutations, one after another, that follow from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Batches:
    """Batches of one fit; those of a step are the same whether or not the fit was interrupted before it.

    Attributes:
        count: samples there are.
        size: samples a step.
        seed: of the permutations.
    """

    count: int
    size: int
    seed: int

    def at(self, step: int) -> Tensor:
        """``int64 [size]``: the samples of a step."""
        first = step * self.size
        places = range(first, first + self.size)
        permutations = {number: self._permutation(number) for number in {place // self.count for place in places}}
        return torch.tensor([int(permutations[place // self.count][place % self.count]) for place in places])

    def _permutation(self, number: int) -> Tensor:
        draw = torch.Generator().manual_seed((self.seed << 32) + number)
        return torch.randperm(self.count, generator=draw)
