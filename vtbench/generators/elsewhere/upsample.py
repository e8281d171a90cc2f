"""``upsample``: a fixed filter in a restorer's place, the row that every restorer has to pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from PIL import Image

from vtbench.core.contracts import Condition
from vtbench.core.errors import UsageError
from vtbench.core.info import ConditionKind, GeneratorInfo
from vtbench.data.pixels import from_pillow, to_pillow
from vtbench.generators.elsewhere.one_by_one import OneByOne

if TYPE_CHECKING:
    from torch import Tensor

Filter = Literal["bicubic", "lanczos", "nearest"]
_FILTERS = {
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "nearest": Image.Resampling.NEAREST,
}


class Upsample(OneByOne):
    """The image that is given as ``source``, enlarged by Pillow.

    Args:
        filter: Pillow's bicubic (a = -0.5), Lanczos or nearest.
        factor: sides of the result over those of the source; 1 for the source itself.
        conditions: what the task gives beside images, which is not looked at.

    Raises:
        UsageError: a factor below 1.
    """

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

    def _one(self, condition: Condition, seed: int) -> Tensor:
        del seed
        picture = to_pillow(condition.image("source").cpu())
        sides = (picture.width * self._factor, picture.height * self._factor)
        return from_pillow(picture.resize(sides, self._filter)).float() / 255
