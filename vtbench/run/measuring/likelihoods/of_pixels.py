"""Likelihood of images' 8-bit RGB values, as a generator of pixels tells it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import torch

from vtbench.core.contracts import SampleFailure
from vtbench.core.errors import AdapterError
from vtbench.core.foreign.guard import foreign
from vtbench.core.foreign.placing import place, refuse_training
from vtbench.core.foreign.returned import one_number_each
from vtbench.metrics.catalog.rates import PIXEL_LIKELIHOOD
from vtbench.run.device import synchronize
from vtbench.run.measuring.likelihoods.asking import Answer, Asked

_ABOVE_ONE = 1e-6


class PixelLikelihood:
    """Asks a generator for the likelihood of images themselves. They are never resized: others have other likelihoods.

    Args:
        generator: with ``pixel_log_likelihood``; made, not yet placed.
        device: where it runs.
        dtype: its arithmetic.
        lent: the generator goes on being trained afterwards: see :class:`~vtbench.run.measuring.model.LoadedModel`.

    Raises:
        UsageError: a dtype other than float32 for a generator that cannot be moved.
    """

    def __init__(self, generator: Any, device: torch.device, dtype: torch.dtype, *, lent: bool = False) -> None:
        self._generator = place(generator, device, dtype, lent=lent)
        self._device, self._lent, self._looked_at = device, lent, False

    def __call__(self, asked: Sequence[Asked]) -> Answer:
        """Rows ``bits_per_dim`` of images of one size: bits over height, width and three channels.

        Raises:
            AdapterError: the generator broke its contract.
        """
        images = torch.stack([one.sample.model_input for one in asked]).to(self._device)
        size, native = tuple(images.shape[-2:]), self._generator.info.native_size
        if native is not None and size != (native, native):
            told = f"its likelihood is of images of {native}x{native}; this is {size[0]}x{size[1]}"
            return Answer(asked, [SampleFailure(one.sample.id, "model", told) for one in asked])
        name = f"{self._generator.info.name}: pixel_log_likelihood"
        started = self._clock()
        with torch.no_grad() if self._lent else torch.inference_mode(), foreign(name, seed=0):
            found = self._generator.pixel_log_likelihood([one.condition for one in asked], images)
        spent = self._clock() - started
        if not self._looked_at:
            refuse_training(self._generator)
            self._looked_at = True
        dimensions = images[0].numel()
        rows = [
            _row(name, one, nats, dimensions)
            for one, nats in zip(asked, one_number_each(name, found, len(asked)), strict=True)
        ]
        return Answer(asked, rows, likelihood_s=spent)

    def _clock(self) -> float:
        synchronize(self._device)
        return time.perf_counter()


def _row(name: str, one: Asked, nats: float, dimensions: int) -> dict[str, float] | SampleFailure:
    if not math.isfinite(nats):
        return SampleFailure(one.sample.id, "model", f"its log-likelihood is {nats}")
    if nats > _ABOVE_ONE:
        raise AdapterError(f"{name} is {nats:.4g} of {one.sample.id}: a probability above 1", "a density is none")
    return {PIXEL_LIKELIHOOD: -nats / math.log(2) / dimensions}
