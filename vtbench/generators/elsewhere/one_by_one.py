"""What stands in a generator's place and makes each image by itself, of whatever size its condition asks for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import torch

from vtbench.core.contracts import Condition, SampleFailure
from vtbench.core.errors import SampleError

if TYPE_CHECKING:
    from torch import Tensor


class OneByOne(ABC):
    """A generator by what it makes of one condition."""

    batched: ClassVar[bool] = True

    def sample(self, conditions: Sequence[Condition], seeds: Tensor) -> Tensor:
        """``float32 [B,3,H,W]`` of conditions whose images are of one size.

        Raises:
            SampleError: a condition without the image that it needs.
        """
        return torch.stack([self._one(*pair) for pair in zip(conditions, seeds.tolist(), strict=True)])

    def sample_each(
        self, conditions: Sequence[Condition], seeds: Tensor, ids: Sequence[str]
    ) -> list[Tensor | SampleFailure]:
        """``float32 [3,H,W]`` each, of any sizes; a condition without the image that it needs fails alone."""
        found: list[Tensor | SampleFailure] = []
        for condition, seed, name in zip(conditions, seeds.tolist(), ids, strict=True):
            try:
                found.append(self._one(condition, seed))
            except SampleError as error:
                found.append(SampleFailure(name, "model", error.what))
        return found

    @abstractmethod
    def _one(self, condition: Condition, seed: int) -> Tensor:
        """``float32 [3,H,W]`` around [0, 1]."""
