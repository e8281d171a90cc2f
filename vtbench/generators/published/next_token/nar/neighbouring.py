"""What NAR's generators from classes and from prompts share: how they draw, and how likely given codes are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from vtbench.core.contracts import Condition, SamplingCost
from vtbench.generators.published.teacher_forcing import TeacherForced

if TYPE_CHECKING:
    from torch import Tensor

VOCABULARY = 16384
CITATION = "He et al., Neighboring Autoregressive Modeling for Efficient Visual Generation, 2025"


class Neighbouring(TeacherForced):
    """Draws an anti-diagonal a pass; it stands before the base among the family's classes."""

    order: ClassVar[str] = "next-neighbour"
    _identity: Any

    def _logits(self, given: Any, tokens: Tensor) -> Tensor:
        # tokens of one anti-diagonal are drawn side by side: each is given those nearer to the first corner
        logits: Tensor = self._network(given, tokens)
        return logits

    def _draw(self, conditions: Sequence[Condition], seeds: Tensor) -> tuple[Tensor, SamplingCost]:
        from vtbench.generators.sampling.groups import sample_groups

        return sample_groups(self._network, self._prompted(conditions), self._identity.settings, seeds)
