"""Everything that moves a sample of a masked generator, beside its weights: one frozen value, recorded whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.guidance import FROM_UNCONDITIONAL, Constant, Formula, Schedule, as_recorded
from vtbench.generators.sampling.masked.counts import MaskSchedule
from vtbench.generators.sampling.masked.noise import IN_WORDS, NoiseRule

TokenRule = Literal["softmax", "annealed", "greedy"]
Confidence = Literal["logit", "log-probability"]

_CHOICES: dict[str, Any] = {
    "mask_schedule": MaskSchedule,
    "tokens": TokenRule,
    "confidence": Confidence,
    "draw": NoiseRule,
}
_TOKENS_IN_WORDS: dict[TokenRule, str] = {
    "softmax": "softmax of the logits",
    "annealed": "softmax of the logits / (randomize_temperature (1 - (i+1)/S)), which is argmax at the last step",
    "greedy": "argmax",
}


@dataclass(frozen=True)
class MaskedSettings:
    """How masked places are filled: guidance on the logits, a token for each place, and which of them are kept.

    Attributes:
        steps: S passes over the image, or as many guided ones.
        guidance: its strength at each step.
        formula: what the strength means.
        mask_schedule: how many places stay masked after each step.
        tokens: what a token is drawn from: the softmax of the logits, one that sharpens with the noise of the
            confidence (TiTok's Gumbel noise on logits is that), or the likeliest.
        confidence: of a drawn token: its logit or the logarithm of its probability.
        randomize_temperature: r; at step i, r (1 - (i+1)/S) times Gumbel noise is added to the confidence.
        softmax_annealing: logits are divided by 0.5 + 0.8 (1 - (i+1)/S) first.
        draw: where random numbers come from.

    Raises:
        UsageError: a value out of range.
    """

    steps: int
    guidance: Schedule = field(default_factory=Constant)
    formula: Formula = FROM_UNCONDITIONAL
    mask_schedule: MaskSchedule = "arccos"
    tokens: TokenRule = "softmax"
    confidence: Confidence = "log-probability"
    randomize_temperature: float = 0.0
    softmax_annealing: bool = False
    draw: NoiseRule = "inverse-cdf"

    def __post_init__(self) -> None:
        if self.steps < 1 or int(self.steps) != self.steps:
            raise UsageError(f"steps={self.steps}: must be a whole number, 1 or more")
        if self.randomize_temperature < 0:
            raise UsageError(f"randomize_temperature={self.randomize_temperature}: must be 0 or more")
        for name, kind in (
            ("mask_schedule", MaskSchedule),
            ("tokens", TokenRule),
            ("confidence", Confidence),
            ("draw", NoiseRule),
        ):
            if getattr(self, name) not in get_args(kind):
                raise UsageError(f"{name}={getattr(self, name)!r}: must be one of {', '.join(get_args(kind))}")

    def notes(self) -> tuple[str, ...]:
        """What a reader of the numbers must know, beside the record: nothing."""
        return ()

    def left(self, step: int) -> float:
        """What is left of the way after this step: 0 after the last."""
        return 1.0 - (step + 1) / self.steps

    def noise_scale(self, step: int) -> float:
        """What the confidence's Gumbel noise is multiplied by."""
        return self.randomize_temperature * self.left(step)

    def token_temperature(self, step: int) -> float:
        """What logits are divided by before a token is drawn from their softmax; 0 for the likeliest."""
        if self.tokens == "greedy":
            return 0.0
        return self.noise_scale(step) if self.tokens == "annealed" else 1.0

    def softmax_temperature(self, step: int) -> float:
        """What logits are divided by before everything else."""
        return 0.5 + 0.8 * self.left(step) if self.softmax_annealing else 1.0

    def as_recorded(self) -> dict[str, Any]:
        """Every setting by name, with formulas in words."""
        return {
            "steps": self.steps,
            **as_recorded(self.guidance, self.formula),
            "mask_schedule": self.mask_schedule,
            "token_draw": _TOKENS_IN_WORDS[self.tokens],
            "confidence": f"{self.confidence} + r (1 - (i+1)/S) Gumbel; places at or below the n-th lowest stay masked",
            "randomize_temperature": self.randomize_temperature,
            "softmax_temperature": "0.5 + 0.8 (1 - (i+1)/S)" if self.softmax_annealing else 1.0,
            "logits_dtype": "float32",
            "draw": IN_WORDS[self.draw],
        }
