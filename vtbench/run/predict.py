"""From prepared samples to predictions at rest: batching, out-of-memory halving, and failures that harm one sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from vtbench.core.codes import Codes
from vtbench.core.contracts import Prepared, SampleFailure
from vtbench.core.errors import AdapterError
from vtbench.core.pixels import to_uint8, to_unit
from vtbench.core.seeds import sample_seed
from vtbench.run.model import LoadedModel


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


class Predictor(Protocol):
    """Whatever yields predictions for prepared samples: a model, or a folder of images made elsewhere."""

    def predict(self, samples: Sequence[Prepared]) -> Iterator[Batch]:
        """Batches that together cover ``samples`` in order."""


@dataclass
class ModelPredictor:
    """Runs a model over samples in batches of equal size and shape.

    A batch that does not fit in memory is halved, for the rest of the run too, and that is reported as an event. A
    batch that raises is tried again one sample at a time, so only the samples at fault become failures.
    """

    model: LoadedModel
    seed: int
    batch_size: int
    _halved: list[str] = field(default_factory=list)

    def predict(self, samples: Sequence[Prepared]) -> Iterator[Batch]:
        """See :class:`Predictor`."""
        pending = list(samples)
        while pending:
            batch = _same_shape_prefix(pending, self.batch_size)
            try:
                result = self._run(batch)
            except (torch.OutOfMemoryError, MemoryError) as error:
                self._halve(len(batch), error)
                continue
            except AdapterError:
                raise
            except Exception as error:  # noqa: BLE001 - a model may fail in any way on one image
                yield from self._one_by_one(batch, error)
            else:
                yield result
            del pending[: len(batch)]

    def _run(self, batch: list[Prepared]) -> Batch:
        seeds = [sample_seed(self.seed, sample.id) for sample in batch]
        images = to_unit(torch.stack([sample.model_input for sample in batch]).to(self.model.device))
        result = self.model.reconstruct(images, seeds)
        finite = torch.isfinite(result.images).flatten(1).all(dim=1).tolist()
        pixels = _at_rest(batch, torch.nan_to_num(result.images))
        outcomes = [
            _restored(sample, image) if good else _not_finite(sample, raw)
            for sample, image, raw, good in zip(batch, pixels, result.images, finite, strict=True)
        ]
        events = tuple(self._halved)
        self._halved.clear()
        note = self.model.resize_note(*images.shape[-2:])
        return Batch(batch, outcomes, result.codes, result.encode_s, result.decode_s, events, note)

    def _one_by_one(self, batch: list[Prepared], error: Exception) -> Iterator[Batch]:
        if len(batch) == 1:
            yield Batch(batch, [SampleFailure(batch[0].id, "model", f"{type(error).__name__}: {error}")])
            return
        for sample in batch:
            try:
                yield self._run([sample])
            except AdapterError:
                raise
            except Exception as alone:  # noqa: BLE001 - recorded as this sample's failure
                yield Batch([sample], [SampleFailure(sample.id, "model", f"{type(alone).__name__}: {alone}")])

    def _halve(self, size: int, error: BaseException) -> None:
        if size <= 1:
            raise AdapterError(
                f"{self.model.info.name} does not fit in memory with one image: {error}",
                "use a larger device, --dtype bfloat16, or a smaller task",
            ) from error
        self.batch_size = size // 2
        if self.model.device.type == "cuda":
            torch.cuda.empty_cache()
        self._halved.append(f"out of memory: batch size {size} -> {self.batch_size}")


def _same_shape_prefix(samples: Sequence[Prepared], most: int) -> list[Prepared]:
    shape = samples[0].model_input.shape
    batch = []
    for sample in samples[:most]:
        if sample.model_input.shape != shape:
            break
        batch.append(sample)
    return batch


def _at_rest(batch: list[Prepared], images: Tensor) -> Sequence[Tensor]:
    """Raw outputs as ``uint8 [3,h,w]``: by the one rounding rule, unless the preset has a rule of its own."""
    if all(sample.quantise is None for sample in batch):
        return list(to_uint8(images))
    rules = [sample.quantise or to_uint8 for sample in batch]
    return [rule(image) for rule, image in zip(rules, images, strict=True)]


def _restored(sample: Prepared, image: Tensor) -> Tensor:
    return image if sample.restore is None else sample.restore(image.cpu())


def _not_finite(sample: Prepared, raw: Tensor) -> SampleFailure:
    count = int((~torch.isfinite(raw)).sum())
    return SampleFailure(sample.id, "model", f"output has {count} non-finite values of {raw.numel()}")
