"""A diffusion process over few of its thousand steps, as improved diffusion defines it: plain numbers and one formula.

Source: Nichol and Dhariwal, Improved Denoising Diffusion Probabilistic Models, 2102.09672, equations 9 to 19.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from vtbench.core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

Variance = Literal["learned-range", "fixed-large"]

ALL_STEPS = 1000
_OFFSET, _MOST_NOISE = 0.008, 0.999


@dataclass(frozen=True)
class Step:
    """One step back, from noisier to cleaner values.

    Attributes:
        time: of the thousand; what the network is told.
        clean_of_noisy: factor of the noisy values in the predicted clean ones.
        clean_of_noise: factor of the predicted noise there, which is taken away.
        mean_of_clean: factor of the clean values in the mean of the next ones.
        mean_of_noisy: factor of the noisy ones there.
        signal: factor of clean values in noisy ones of this time.
        scatter: factor of the noise there.
        least: logarithm of the narrowest variance.
        most: of the widest.
        last: nothing is drawn behind it.
    """

    time: int
    clean_of_noisy: float
    clean_of_noise: float
    mean_of_clean: float
    mean_of_noisy: float
    signal: float
    scatter: float
    least: float
    most: float
    last: bool

    def noised(self, clean: Tensor, noise: Tensor) -> Tensor:
        """Clean values at this time."""
        return self.signal * clean + self.scatter * noise

    def back(
        self, x: Tensor, noise: Tensor, spread: Tensor | None, drawn: Tensor, temperature: float, bound: float = 0.0
    ) -> Tensor:
        """The next values.

        Args:
            x: noisy values.
            noise: that the network finds in them.
            spread: between the narrowest (-1) and the widest (1) variance, for each value; ``None`` for the widest.
            drawn: standard normal.
            temperature: multiplies what is drawn.
            bound: to which predicted clean values are cut, on both sides; 0 for none.
        """
        clean = self.clean_of_noisy * x - self.clean_of_noise * noise
        if bound:
            clean = clean.clamp(-bound, bound)
        mean = self.mean_of_clean * clean + self.mean_of_noisy * x
        if self.last:
            return mean
        if spread is None:
            return mean + math.exp(0.5 * self.most) * drawn * temperature
        share = (spread + 1) / 2
        return mean + (0.5 * (share * self.most + (1 - share) * self.least)).exp() * drawn * temperature


@dataclass(frozen=True)
class Process:
    """A thousand steps of cosine noise (equation 17), of which few are taken.

    Attributes:
        steps: taken, evenly spread from the first to the last.
        variance: what the network says within its range, or the widest.
        bound: to which predicted clean values are cut; 0 for none. At the first step an error in the noise is 20,000
            times as large in them, and a small network's carries values where it never was.

    Raises:
        UsageError: fewer than 2 steps, or more than there are; a bound below 0.
    """

    steps: int
    variance: Variance = "learned-range"
    bound: float = 0.0

    def __post_init__(self) -> None:
        if not 2 <= self.steps <= ALL_STEPS:
            raise UsageError(f"diffusion_steps={self.steps}: must be a whole number from 2 to {ALL_STEPS}")
        if not self.bound >= 0:
            raise UsageError(f"clip_denoised={self.bound}: must be 0 (for none) or more")

    @cached_property
    def course(self) -> tuple[Step, ...]:
        """The steps, from pure noise on."""
        return tuple(reversed(list(_steps(self.steps))))


def times_of(steps: int) -> list[int]:
    """Which of the thousand steps are taken, rising: at a stride that is rounded step by step."""
    stride, at, found = (ALL_STEPS - 1) / (steps - 1), 0.0, []
    for _ in range(steps):
        found.append(round(at))
        at += stride
    return found


def _steps(steps: int) -> Iterator[Step]:
    """From the cleanest to the noisiest, in float64."""
    kept = _kept_of_all()
    times = times_of(steps)
    befores = [1.0, *(kept[time] for time in times[:-1])]
    betas = [1 - kept[time] / before for time, before in zip(times, befores, strict=True)]
    left = _products([1 - beta for beta in betas])
    for index, (time, beta, here) in enumerate(zip(times, betas, left, strict=True)):
        before = left[index - 1] if index else 1.0
        # of the step that nothing is drawn behind, the variance is 0: its neighbour stands in for it
        narrow = index or 1
        variance = betas[narrow] * (1 - left[narrow - 1]) / (1 - left[narrow])
        yield Step(
            time=time,
            clean_of_noisy=math.sqrt(1 / here),
            clean_of_noise=math.sqrt(1 / here - 1),
            mean_of_clean=beta * math.sqrt(before) / (1 - here),
            mean_of_noisy=(1 - before) * math.sqrt(1 - beta) / (1 - here),
            signal=math.sqrt(here),
            scatter=math.sqrt(1 - here),
            least=math.log(variance),
            most=math.log(beta),
            last=index == 0,
        )


def _kept_of_all() -> list[float]:
    """Share of the signal's variance that is left after each of the thousand steps."""

    def share(progress: float) -> float:
        return math.cos((progress + _OFFSET) / (1 + _OFFSET) * math.pi / 2) ** 2

    ratios = (share((step + 1) / ALL_STEPS) / share(step / ALL_STEPS) for step in range(ALL_STEPS))
    return _products([1 - min(1 - ratio, _MOST_NOISE) for ratio in ratios])


def _products(factors: Sequence[float]) -> list[float]:
    found, product = [], 1.0
    for factor in factors:
        product *= factor
        found.append(product)
    return found
