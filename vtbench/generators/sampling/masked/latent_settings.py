"""Everything that moves a sample of a masked generator of latents, beside its weights: one value, recorded whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, get_args

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.diffusion.process import Process, Variance
from vtbench.generators.sampling.guidance import Constant, Schedule, as_recorded
from vtbench.generators.sampling.masked.latent_noise import IN_WORDS, LatentDraw


@dataclass(frozen=True)
class LatentSettings:
    """How masked places are filled with latents, in an order that is drawn before.

    Attributes:
        steps: passes through the transformer, or as many guided ones; at most one a place.
        guidance: of the predicted noise. It is asked for a place, not a step: for that behind those which are filled
            when the step is done (of the last step, all but one).
        diffusion_steps: of each token.
        temperature: multiplies what is drawn at each of them.
        draw: where random numbers come from.
        variance: of a diffusion step.
        clip_denoised: to which the clean values that a step predicts are cut; 0 for none, as published.

    Raises:
        UsageError: a value out of range.
    """

    steps: int
    guidance: Schedule = field(default_factory=Constant)
    diffusion_steps: int = 100
    temperature: float = 1.0
    draw: LatentDraw = "by-position"
    variance: Variance = "learned-range"
    clip_denoised: float = 0.0

    def __post_init__(self) -> None:
        if self.steps < 1 or int(self.steps) != self.steps:
            raise UsageError(f"steps={self.steps}: must be a whole number, 1 or more")
        if self.temperature < 0:
            raise UsageError(f"temperature={self.temperature}: must be 0 or more")
        if self.draw not in IN_WORDS:
            raise UsageError(f"draw={self.draw!r}: must be one of {', '.join(get_args(LatentDraw))}")
        _ = self.process  # which refuses what is out of range

    @cached_property
    def process(self) -> Process:
        """By which a token is denoised."""
        return Process(self.diffusion_steps, self.variance, self.clip_denoised)

    def notes(self) -> tuple[str, ...]:
        """What a reader of the numbers must know, beside the record: nothing."""
        return ()

    def as_recorded(self) -> dict[str, Any]:
        """Every setting by name, with formulas in words."""
        return {
            "steps": self.steps,
            "order": "random, of each image its own",
            "mask_schedule": "cosine",
            **as_recorded(self.guidance, of="predicted noise"),
            "cfg_counts": "places filled after the step, of all; at the last step all but one",
            "diffusion_steps": self.diffusion_steps,
            "diffusion": f"1000 steps of cosine noise, respaced evenly; noise is predicted, variance {self.variance}",
            **({"clip_denoised": self.clip_denoised} if self.clip_denoised else {}),
            "temperature": self.temperature,
            "draw": IN_WORDS[self.draw],
        }
