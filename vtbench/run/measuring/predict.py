"""From prepared samples to predictions at rest: the model in batches, one rounding, failures that harm one sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from vtbench.run.measuring.transit.transfers import Transfers, transfers_to
from vtbench.run.timing import Span


@dataclass(frozen=True, eq=False)
class Broken:
    """How many values of each output are not finite, ``int64 [B]``, of how many."""

    counts: Tensor
    of: int

    def back(self, transfers: Transfers) -> Broken:
        """On its way to the host."""
        return Broken(transfers.back(self.counts), self.of)

    def failures(self, ids: Sequence[str]) -> list[SampleFailure | None]:
        """Of each sample; once the counts are there."""
        return [
            SampleFailure(name, "model", f"output has {count} non-finite values of {self.of}") if count else None
            for name, count in zip(ids, self.counts.tolist(), strict=True)
        ]


@dataclass(frozen=True, eq=False)
class Batch:
    """Predictions of one batch: ``uint8 [3,H,W]`` at the reference's size, or a failure, a sample each.

    Attributes:
        spans: what took how long, by part.
        found: what asking the model again found, of every sample.
        broken: which predictions will turn out to be of no finite output; ``None`` where that is known already.
    """

    samples: Sequence[Prepared]
    outcomes: Sequence[Tensor | SampleFailure]
    codes: Codes | None = None
    spans: Mapping[str, Span] = field(default_factory=dict)
    events: tuple[str, ...] = ()
    resized: str | None = None
    broken: Broken | None = None
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
        transfers: to the device and back; its own unless given.

    Attributes:
        beside: asks the model more about each batch.
    """

    def __init__(self, model: LoadedModel, seed: int, batch_size: int, transfers: Transfers | None = None) -> None:
        self.model, self.seed = model, seed
        self.beside: Callable[[Asked], Found] | None = None
        self.transfers = transfers or transfers_to(model.device)
        self._batches = CarefulBatches(model.info.name, batch_size, of_one_shape(_shape), _failed)

    def predict(self, samples: Sequence[Prepared]) -> Iterator[Batch]:
        """See :class:`Predictor`."""
        return self._batches.over(samples, self._run)

    def _run(self, batch: list[Prepared]) -> Batch:
        seeds = [sample_seed(self.seed, sample.id) for sample in batch]
        images = to_unit(self.transfers.there([sample.model_input for sample in batch]))
        result = self.model.reconstruct(images, seeds)
        broken = broken_in(result.images)
        pixels = at_rest(batch, torch.nan_to_num(result.images))
        events = self._batches.take_events()
        note = self.model.resize_note(*images.shape[-2:])
        found = None
        if self.beside is not None:
            found = self.beside(Asked(batch, seeds, result.codes, torch.stack([image.cpu() for image in pixels])))
        made = Batch(batch, pixels, result.codes, result.spans, events, note, broken, found)
        if any(sample.restore is not None for sample in batch):
            return _all_restored(made, self.transfers)
        return made if self.transfers.lags else settled(made, self.transfers)


def broken_in(images: Tensor) -> Broken:
    """Of raw output, float ``[B,3,H,W]``."""
    return Broken((~torch.isfinite(images)).flatten(1).sum(1), images[0].numel())


def settled(batch: Batch, transfers: Transfers) -> Batch:
    """The batch with failures where output is not finite. The device is waited for."""
    if batch.broken is None:
        return batch
    broken = batch.broken.back(transfers)
    transfers.asked()()
    failures = broken.failures([sample.id for sample in batch.samples])
    outcomes = [failure or outcome for failure, outcome in zip(failures, batch.outcomes, strict=True)]
    return replace(batch, outcomes=outcomes, broken=None)


def _all_restored(batch: Batch, transfers: Transfers) -> Batch:
    """What preprocessing did is undone on the host, sample by sample."""
    here = [transfers.back(outcome) for outcome in batch.outcomes if isinstance(outcome, Tensor)]
    known = settled(replace(batch, outcomes=here), transfers)
    outcomes = [
        outcome if isinstance(outcome, SampleFailure) else restored(sample, outcome)
        for sample, outcome in zip(known.samples, known.outcomes, strict=True)
    ]
    return replace(known, outcomes=outcomes)


def model_failure(sample_id: str, error: Exception) -> SampleFailure:
    """The model raised on this sample alone."""
    return SampleFailure(sample_id, "model", told(error), of_model=not isinstance(error, MissingImageError))


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
