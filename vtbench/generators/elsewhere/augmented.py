"""``augmented``: a photograph of the subject in a generator's place, cropped, mirrored and brightened by the seed.

The row that tells what likeness a copy has, and how little of diversity: what a generator of subjects is held against.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import torch.nn.functional as F

from vtbench.core.contracts import Condition
from vtbench.core.errors import SampleError, UsageError
from vtbench.core.info import ConditionKind, GeneratorInfo
from vtbench.generators.elsewhere.one_by_one import OneByOne

if TYPE_CHECKING:
    from torch import Tensor


class Augmented(OneByOne):
    """One of the images of a role, altered; of the size it had.

    Args:
        role: of the images that one is drawn from.
        strength: 0 leaves it as it is; 1 crops down to half of its sides and moves brightness by up to 40 %.
        conditions: what the task gives beside images, which is not looked at.

    Raises:
        UsageError: a strength outside 0 to 1.
    """

    def __init__(self, role: str = "subject", strength: float = 0.5, conditions: ConditionKind = "none") -> None:
        if not 0.0 <= strength <= 1.0:
            raise UsageError(f"augmented: strength is between 0 and 1, got {strength}")
        self._role, self._strength = role, strength
        self.info = GeneratorInfo(
            name=f"augmented-{strength:g}",
            conditions=conditions,
            family="copy",
            revision="1",
            sampler={"role": role, "strength": strength},
            images=(role,),
        )

    def _one(self, condition: Condition, seed: int) -> Tensor:
        known = condition.images.get(self._role, ())
        if not known:
            raise SampleError(f"a condition has no image as {self._role}")
        draw = random.Random(seed)
        image = known[draw.randrange(len(known))].cpu().float() / 255
        if draw.random() < 0.5 and self._strength > 0:
            image = image.flip(-1)
        height, width = image.shape[-2:]
        share = 1.0 - self._strength * draw.uniform(0.0, 0.5)
        high, wide = max(1, round(height * share)), max(1, round(width * share))
        top, left = draw.randint(0, height - high), draw.randint(0, width - wide)
        part = image[:, top : top + high, left : left + wide]
        sized = F.interpolate(part[None], (height, width), mode="bicubic", antialias=True, align_corners=False)[0]
        return (sized * (1.0 + self._strength * draw.uniform(-0.4, 0.4))).clamp(0.0, 1.0)
