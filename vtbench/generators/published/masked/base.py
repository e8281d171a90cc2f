"""What masked generators share: labels in, tokens out of the loop that refines them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from vtbench.core.contracts import Condition, SamplingCost
from vtbench.generators.published.base import PublishedGenerator

if TYPE_CHECKING:
    from torch import Tensor

CLASSES = 1000


class MaskedGenerator(PublishedGenerator):
    """A class-conditional generator whose network is a host of masked refinement; the class after the last is none."""

    order: ClassVar[str] = "masked"

    def _draw(self, conditions: Sequence[Condition], seeds: Tensor) -> tuple[Tensor, SamplingCost]:

        from vtbench.generators.sampling.masked.refining import refine

        prompted = self._prompted(conditions)
        return refine(self._network, prompted, self._identity.settings, seeds)
