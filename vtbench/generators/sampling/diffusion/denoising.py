"""The loop of denoising: all values at once, through every step of a process, guided by a second prediction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtbench.generators.sampling.guidance import OFF, guide

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.sampling.diffusion.process import Process

Predictor = Callable[["Tensor", int], "Tensor"]
"""Noisy values ``[R,C,…]`` and the time to the noise ``[R,C,…]``, or to noise and spread ``[R,2C,…]``. Where it is
guided, R is twice the values: those of the condition, then those of none."""


@dataclass(frozen=True)
class Known:
    """Values that are there already; at every step they stand in what the network sees, with the first noise on them.

    Attributes:
        values: ``float32 [R,C,…]``.
        masked: ``bool``, of a shape that spreads to theirs: where there are none.
    """

    values: Tensor
    masked: Tensor


def denoise(
    predict: Predictor,
    process: Process,
    drawn: Iterator[Tensor],
    *,
    strength: float = OFF,
    temperature: float = 1.0,
    known: Known | None = None,
) -> Tensor:
    """Values ``float32 [R,C,…]`` out of noise.

    Guidance is ``u + s (c - u)`` on the noise; the spread is that of the condition.

    Args:
        predict: the network with its condition.
        process: its steps.
        drawn: standard normal ``float32 [R,C,…]``: what it starts from, then one a step, that of the last step too,
            which goes unused.
        strength: of guidance, s; 1 for none, and for a network that is given the condition alone.
        temperature: of what is drawn behind a step.
        known: what is not to be found; it comes back as the network leaves it.
    """
    import torch

    x = start = next(drawn)
    channels = x.shape[1]
    for step in process.course:
        if known is not None:
            x = torch.where(known.masked, x, step.noised(known.values, start))
        predicted = predict(x if strength == OFF else torch.cat([x, x]), step.time).float()
        noise, spread = predicted[:, :channels], predicted[: len(x), channels:]
        if strength != OFF:
            conditional, unconditional = noise.chunk(2)
            noise = guide(conditional, unconditional, strength)
        learned = spread if process.variance == "learned-range" else None
        x = step.back(x, noise, learned, next(drawn), temperature, process.bound)
    return x
