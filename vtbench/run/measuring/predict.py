"""From prepared samples to predictions at rest: the model in batches, one rounding, failures that harm one sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from vtbench.core.codes import Codes
from vtbench.core.contracts import Prepared, SampleFailure
from vtbench.core.errors import MissingImageError
from vtbench.core.foreign.guard import told
from vtbench.core.pixels import to_uint8, to_unit
from vtbench.core.seeds import sample_seed
from vtbench.run.measuring.batching import CarefulBatches, of_one_shape
from vtbench.run.measuring.model import LoadedModel
from vtbench.run.measuring.robustness.answers import Asked, Found


@dataclass(frozen=True, eq=False)
class Batch:
    """Predictions of one batch: ``uint8 [3,H,W]`` at the reference's size, or a failure, a sample each."""

    samples: Sequence[Prepared]
    outcomes: Sequence[Tensor | SampleFailure]
    codes: Codes | None = None
    encode_s: float = 0.0
    decode_s: float = 0.0
    events: tuple[str, ...] = ()
    resized: str | None = None
    found: Found | None = None


class Predictor(Protocol):
    """Whatever yields predictions for prepared samples: a model, or a folder of images made elsewhere."""

    def predict(self, samples: Sequence[Prepared]) -> Iterator[Batch]:
        """Batches that together cover ``samples`` in order."""


class ModelPredictor:
    """Runs a model over samples in batches of equal size and shape; see :class:`CarefulBatches`.

    Args:
        model: on its device.
        seed: the run's; each sample's seed derives from it and the sample's id.
        batch_size: images given to the model at once.

    Attributes:
        beside: asks the model more about each batch.
    """

    def __init__(self, model: LoadedModel, seed: int, batch_size: int) -> None:
        self.model, self.seed = model, seed
        self.beside: Callable[[Asked], Found] | None = None
        self._batches = CarefulBatches(model.info.name, batch_size, of_one_shape(_shape), _failed)

    def predict(self, samples: Sequence[Prepared]) -> Iterator[Batch]:
        """See :class:`Predictor`."""
        return self._batches.over(samples, self._run)

    def _run(self, batch: list[Prepared]) -> Batch:
        seeds = [sample_seed(self.seed, sample.id) for sample in batch]
        images = to_unit(torch.stack([sample.model_input for sample in batch]).to(self.model.device))
        result = self.model.reconstruct(images, seeds)
        finite = torch.isfinite(result.images).flatten(1).all(dim=1).tolist()
        pixels = at_rest(batch, torch.nan_to_num(result.images))
        outcomes = [
            restored(sample, image) if good else not_finite(sample.id, raw)
            for sample, image, raw, good in zip(batch, pixels, result.images, finite, strict=True)
        ]
        events = self._batches.take_events()
        note = self.model.resize_note(*images.shape[-2:])
        found = None
        if self.beside is not None:
            found = self.beside(Asked(batch, seeds, result.codes, torch.stack([image.cpu() for image in pixels])))
        return Batch(batch, outcomes, result.codes, result.encode_s, result.decode_s, events, note, found)


def model_failure(sample_id: str, error: Exception) -> SampleFailure:
    """The model raised on this sample alone."""
    return SampleFailure(sample_id, "model", told(error), of_model=not isinstance(error, MissingImageError))


def not_finite(sample_id: str, raw: Tensor) -> SampleFailure:
    """The model's output holds NaN or infinity."""
    count = int((~torch.isfinite(raw)).sum())
    return SampleFailure(sample_id, "model", f"output has {count} non-finite values of {raw.numel()}")


def _failed(sample: Prepared, error: Exception) -> Batch:
    return Batch([sample], [model_failure(sample.id, error)])


def _shape(sample: Prepared) -> torch.Size:
    return sample.model_input.shape


def at_rest(batch: Sequence[Prepared], images: Tensor) -> Sequence[Tensor]:
    """Raw outputs as ``uint8 [3,h,w]``: by the one rounding rule, unless the preset has a rule of its own."""
    if all(sample.quantise is None for sample in batch):
        return list(to_uint8(images))
    rules = [sample.quantise or to_uint8 for sample in batch]
    return [rule(image) for rule, image in zip(rules, images, strict=True)]


def restored(sample: Prepared, image: Tensor) -> Tensor:
    """``uint8 [3,h,w]`` of the model to ``uint8 [3,H,W]`` of the reference."""
    return image if sample.restore is None else sample.restore(image.cpu())
