"""Calibrate a next-scale generator: a few seeded samples, watched by a cache that keeps everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from vtbench.core.contracts import Condition
from vtbench.core.errors import UsageError
from vtbench.generators.published.next_scale.base import NextScaleGenerator
from vtbench.generators.sampling.next_scale.strategies.calibration import (
    MOST_SAMPLES,
    Calibration,
    Watching,
    identity,
)


def calibrated(generator: Any, samples: int, seed: int = 0, prompts: Sequence[str] = ()) -> Calibration:
    """Watch the heads of a host while it samples, image by image; its settings stay.

    Args:
        generator: of next scales, with a cache of keys and values.
        samples: 1 to 50.
        seed: of the first sample; each has the next one.
        prompts: what a generator of prompts is given, over and over; classes are spread evenly.

    Raises:
        UsageError: a generator of another kind, a number out of range, or a lack of prompts.
    """
    import torch

    from vtbench.generators.sampling.next_scale.sampler import sample_scales
    from vtbench.generators.sampling.next_scale.strategies.forgetting import Forgetting

    if not isinstance(generator, NextScaleGenerator) or not hasattr(generator._network, "geometry"):
        raise UsageError(f"{generator.info.name} has no scales to be calibrated", "name e.g. var-d30")
    if not 1 <= samples <= MOST_SAMPLES:
        raise UsageError(f"{samples} samples: must be 1 to {MOST_SAMPLES}")
    conditions, watching = _conditions(generator, samples, prompts), Watching()
    settings = replace(generator._identity.settings, strategy=Forgetting(watching))  # type: ignore[arg-type]
    for number, condition in enumerate(conditions):
        with torch.inference_mode():
            prompted, seeds = generator._prompted([condition]), torch.tensor([seed + number])
            sample_scales(generator._network, prompted, generator._accumulator(), settings, seeds)
    if len(watching.sums) != generator._network.geometry.depth:
        raise UsageError(f"{generator.info.name} caches no keys and values", "there is nothing to be calibrated")
    return Calibration(format=1, host=identity(generator), samples=samples, seed=seed, variances=watching.variances())


def _conditions(generator: Any, samples: int, prompts: Sequence[str]) -> list[Condition]:
    if generator.info.conditions == "prompt":
        if not prompts:
            raise UsageError(f"{generator.info.name} draws from prompts", "give --prompts FILE, one a line")
        return [Condition(prompt=prompts[number % len(prompts)]) for number in range(samples)]
    classes = generator.info.classes
    return [Condition(label=number * classes // samples) for number in range(samples)]
