"""Masked steps within a scale: the surest of its tokens stay, and the others are drawn again, a few a step.

Kumbong et al., HMAR: Efficient Hierarchical Masked Auto-Regressive Image Generation, CVPR 2025, 2506.04421, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.next_scale.strategy import DrawnScale, ScaleStrategy

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule


@dataclass(frozen=True)
class MaskedRefinement(ScaleStrategy):
    """Each scale is drawn at once; where it has further steps, its least sure tokens are drawn again, given the others.

    A token is as sure as it was likely, after guidance and filters, in the pass that was drawn from last. A step draws
    for all places, but only masked ones take what it drew; then the least sure of these stay masked.

    Attributes:
        counts: of each scale, how many tokens stay after its first draw and after each further step; they add up to the
            tokens of the scale.
        strength: of guidance in the further steps.

    Raises:
        UsageError: a count below 1.
    """

    counts: tuple[tuple[int, ...], ...] = ()
    strength: float = 0.0

    def __post_init__(self) -> None:
        if any(count < 1 for steps in self.counts for count in steps):
            raise UsageError(f"masked steps {self._told()}: every count must be 1 or more")

    def checked(self, schedule: ScaleSchedule) -> MaskedRefinement:
        """Itself, if it is one of these scales.

        Raises:
            UsageError: if it is not.
        """
        if tuple(sum(steps) for steps in self.counts) != schedule.lengths:
            raise UsageError(
                f"masked steps {self._told()} are not of scales of {list(schedule.lengths)} tokens",
                "give each scale a list of counts that add up to its tokens, e.g. [[1],[1,3]] for 1 and 4",
            )
        return self

    def as_recorded(self) -> dict[str, Any]:
        """Every setting."""
        return {
            "strategy": "masked refinement",
            "strategy_counts": self._told(),
            "strategy_cfg_scale": self.strength,
            "strategy_confidence": "probability of the drawn token after guidance and filters; the least stay masked",
        }

    def draws(self, schedule: ScaleSchedule) -> int:
        """A step draws all tokens of its scale."""
        return sum(len(steps) * length for steps, length in zip(self.counts, schedule.lengths, strict=True))

    def refined(self, drawn: DrawnScale) -> Tensor:
        """The codes ``int64 [B,T]`` after all steps of the scale."""
        counts, codes, found = self.counts[drawn.scale], drawn.codes, drawn.found
        masked: Tensor | None = None
        for step in range(1, len(counts)):
            masked = least_sure(codes, found, sum(counts[step:]), masked)
            again, found = drawn.draw(self._logits(drawn, codes, masked), self.strength)
            codes = codes.scatter(1, masked, again.gather(1, masked))
        return codes

    def _logits(self, drawn: DrawnScale, codes: Tensor, masked: Tensor) -> Tensor:
        accumulator, halves = drawn.accumulator, 1 + drawn.guided
        if drawn.total is None:
            raise UsageError("the first scale has nothing to be refined from", "give it a single count")
        seen = accumulator.seen_by(drawn.scale, drawn.total)
        own = accumulator.seen_by(drawn.scale, accumulator.added(None, codes, drawn.scale))
        maps = (part.repeat(halves, 1, 1, 1) for part in (seen, own))
        logits: Tensor = drawn.host.filled(*maps, masked.repeat(halves, 1), drawn.scale, drawn.condition)
        return logits

    def _told(self) -> list[list[int]]:
        return [list(steps) for steps in self.counts]


def least_sure(codes: Tensor, found: Tensor, count: int, among: Tensor | None) -> Tensor:
    """The ``count`` least sure places ``int64 [B,count]``, the least sure first.

    Args:
        codes: ``int64 [B,T]``.
        found: probabilities ``[B,T,V]`` of the pass that was drawn from last.
        count: of places.
        among: places ``int64 [B,M]`` to choose from; ``None`` for all.
    """
    sure = found.gather(-1, codes[..., None])[..., 0]
    if among is None:
        return sure.argsort(dim=-1, stable=True)[:, :count]
    return among.gather(1, sure.gather(1, among).argsort(dim=-1, stable=True)[:, :count])
