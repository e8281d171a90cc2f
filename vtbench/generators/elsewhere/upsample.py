"""``upsample``: a fixed filter in a restorer's place, the row that every restorer has to pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import torch
from PIL import Image

from vtbench.core.contracts import Condition, SampleFailure
from vtbench.core.errors import SampleError, UsageError
from vtbench.core.info import ConditionKind, GeneratorInfo
from vtbench.data.pixels import from_pillow, to_pillow

if TYPE_CHECKING:
    from torch import Tensor

Filter = Literal["bicubic", "lanczos", "nearest"]
_FILTERS = {
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "nearest": Image.Resampling.NEAREST,
}


class Upsample:
    """The image that is given as ``source``, enlarged by Pillow.

    Args:
        filter: Pillow's bicubic (a = -0.5), Lanczos or nearest.
        factor: sides of the result over those of the source; 1 for the source itself.
        conditions: what the task gives beside images, which is not looked at.

    Raises:
        UsageError: a factor below 1.
    """

    batched = True

    def __init__(self, filter: Filter = "bicubic", factor: int = 4, conditions: ConditionKind = "none") -> None:
        if factor < 1:
            raise UsageError(f"upsample: factor must be at least 1, got {factor}")
        self._filter, self._factor = _FILTERS[filter], factor
        self.info = GeneratorInfo(
            name=f"upsample-{filter}",
            conditions=conditions,
            family="filter",
            revision="1",
            sampler={"filter": filter, "factor": factor},
            images=("source",),
        )

    def sample(self, conditions: Sequence[Condition], seeds: Tensor) -> Tensor:
        """``float32 [B,3,H,W]`` of conditions whose sources are of one size.

        Raises:
            SampleError: a condition without a source.
        """
        del seeds
        return torch.stack([self._one(condition) for condition in conditions])

    def sample_each(
        self, conditions: Sequence[Condition], seeds: Tensor, ids: Sequence[str]
    ) -> list[Tensor | SampleFailure]:
        """``float32 [3,H,W]`` each, of any sizes; a condition without a source fails alone."""
        del seeds
        found: list[Tensor | SampleFailure] = []
        for condition, name in zip(conditions, ids, strict=True):
            try:
                found.append(self._one(condition))
            except SampleError as error:
                found.append(SampleFailure(name, "model", error.what))
        return found

    def _one(self, condition: Condition) -> Tensor:
        picture = to_pillow(condition.image("source").cpu())
        sides = (picture.width * self._factor, picture.height * self._factor)
        return from_pillow(picture.resize(sides, self._filter)).float() / 255
