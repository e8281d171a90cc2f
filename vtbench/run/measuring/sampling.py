"""From conditions to images at rest: a generator in batches, or images that somebody else sampled."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeGuard

import torch
from torch import Tensor

from vtbench.core.codes import Codes
from vtbench.core.contracts import Condition, ImageDataset, Prepared, Sample, SampleFailure, SamplingCost
from vtbench.core.errors import AdapterError, SampleError, UnreadableConditionError
from vtbench.core.foreign.guard import foreign
from vtbench.core.foreign.placing import place, refuse_training
from vtbench.core.foreign.returned import in_words, require_images
from vtbench.core.pixels import to_uint8
from vtbench.core.seeds import sample_seed
from vtbench.data.conditions import ConditionSample, ConditionSet
from vtbench.data.loader import iterate_blocks
from vtbench.data.preparing.presets import Preset
from vtbench.generators.protocols import images_of
from vtbench.run.measuring.batching import CarefulBatches
from vtbench.run.measuring.predict import broken_in, model_failure
from vtbench.run.measuring.transit.transfers import Transfers, transfers_to
from vtbench.run.storing.blocks import Block
from vtbench.run.timing import Span, now


@dataclass(frozen=True, eq=False)
class SampledBatch:
    """Samples of one batch: ``uint8 [3,H,W]``, or clips ``[T,3,H,W]``, of the host, at the task's size, or a failure,
    one a condition.

    Attributes:
        spans: what took how long, by part.
        resized: how the generator's images were brought to the task's size; ``None`` if they were not.
    """

    requests: Sequence[ConditionSample]
    outcomes: Sequence[Tensor | SampleFailure]
    codes: Codes | None = None
    spans: Mapping[str, Span] = field(default_factory=dict)
    cost: SamplingCost | None = None
    events: tuple[str, ...] = ()
    resized: str | None = None


class Sampler(Protocol):
    """Whatever yields the images of a generation task, block by block."""

    def over(self, blocks: Sequence[Block]) -> Iterator[tuple[Block, Iterator[SampledBatch]]]:
        """For each block the batches that together cover its conditions in order."""


class GeneratorSampler:
    """Runs a generator over conditions in batches; see :class:`CarefulBatches`.

    Args:
        generator: made, not yet placed.
        conditions: of the whole task.
        preset: brings a sample to the task's size.
        device: where the generator runs.
        dtype: its arithmetic.
        seed: the run's; each sample's seed derives from it and the sample's id.
        batch_size: images sampled at once.
        lent: the generator goes on being trained afterwards: see :class:`~vtbench.run.measuring.model.LoadedModel`.
        hidden: roles of images that the generator is not shown.
        transfers: to the device and back; its own unless given.

    Raises:
        UsageError: a dtype other than float32 for a generator that cannot be moved.
    """

    def __init__(
        self,
        generator: Any,
        conditions: ConditionSet,
        preset: Preset,
        device: torch.device,
        dtype: torch.dtype,
        seed: int,
        batch_size: int,
        *,
        lent: bool = False,
        hidden: Collection[str] = (),
        transfers: Transfers | None = None,
    ) -> None:
        self._transfers = transfers or transfers_to(device)
        self._generator, self._looked_at = place(generator, device, dtype, lent=lent), False
        self._lent, self._hidden = lent, frozenset(hidden)
        self._conditions, self._preset, self._device, self._seed = conditions, preset, device, seed
        name = generator.info.name
        if hasattr(generator, "sample_each") and not getattr(generator, "batched", False):
            # an external program starts once a block, and cuts batches by itself
            batch_size = sys.maxsize
        self._batches = CarefulBatches(name, batch_size, _opened, _failed)

    def over(self, blocks: Sequence[Block]) -> Iterator[tuple[Block, Iterator[SampledBatch]]]:
        """See :class:`Sampler`."""
        for block in blocks:
            conditions = [self._conditions[index] for index in range(block.start, block.stop)]
            yield block, self._batches.over(conditions, self._run)

    def _run(self, batch: list[ConditionSample]) -> SampledBatch:
        with torch.no_grad() if self._lent else torch.inference_mode():
            return self._sampled(batch)

    def _sampled(self, batch: list[ConditionSample]) -> SampledBatch:
        seeds = torch.tensor([sample_seed(self._seed, request.id) for request in batch], dtype=torch.int64)
        conditions = [self._shown(request.condition).opened() for request in batch]
        started = now(self._device)
        raw, codes, sampled = self._sample(batch, conditions, seeds)
        spans = {"sample": Span(started, sampled)}
        if codes is not None:
            spans["decode"] = Span(sampled, now(self._device))
        outcomes = [
            (image, None) if isinstance(image, SampleFailure) else self._finished(request, image)
            for request, image in zip(batch, self._at_rest(batch, raw), strict=True)
        ]
        return SampledBatch(
            batch,
            [pixels for pixels, _ in outcomes],
            codes,
            spans,
            self._cost(),
            self._batches.take_events(),
            next((note for _, note in outcomes if note), None),
        )

    def _shown(self, condition: Condition) -> Condition:
        return condition.of_roles(set(condition.images) - self._hidden) if self._hidden else condition

    def _sample(
        self, batch: list[ConditionSample], conditions: Sequence[Condition], seeds: Tensor
    ) -> tuple[Sequence[Tensor | SampleFailure], Codes | None, Any]:
        """Images of any size, codes where there are any, and the moment at which sampling ended and decoding began."""
        generator, seed = self._generator, int(seeds[0])
        if hasattr(generator, "sample_each"):
            names = [request.id for request in batch]
            with self._foreign("sample_each", seed):
                each = generator.sample_each(conditions, seeds, names)
            return each, None, now(self._device)
        if not hasattr(generator, "sample_codes"):
            with self._foreign("sample", seed):
                images = generator.sample(conditions, seeds)
            return self._checked(images, len(batch)), None, now(self._device)
        with self._foreign("sample_codes", seed):
            codes = generator.sample_codes(conditions, seeds)
        if not isinstance(codes, Codes):
            raise AdapterError(f"{generator.info.name}: sample_codes returned {in_words(codes)}, not Codes")
        sampled = now(self._device)
        with self._foreign("its tokenizer's decode", seed):
            images = images_of(generator, codes, seeds)
        return self._checked(images, len(batch)), codes, sampled

    def _foreign(self, method: str, seed: int) -> foreign:
        """Around one call; whatever draws without a seed of its own starts from the first sample's."""
        return foreign(f"{self._generator.info.name}: {method}", seed=seed)

    def _checked(self, images: Any, count: int) -> Sequence[Tensor]:
        frames = self._preset.frames
        due = (count, 3) if frames is None else (count, frames, 3)
        require_images(self._generator.info.name, images, due, f"{count} conditions")
        if not self._looked_at:
            refuse_training(self._generator)
            self._looked_at = True
        return list(images)

    def _cost(self) -> SamplingCost | None:
        """Of the call that was made last, where the generator counts."""
        if not hasattr(self._generator, "sampling_cost"):
            return None
        with foreign(f"{self._generator.info.name}: sampling_cost"):
            cost: SamplingCost | None = self._generator.sampling_cost()
        return cost

    def _at_rest(
        self, batch: list[ConditionSample], raw: Sequence[Tensor | SampleFailure]
    ) -> list[Tensor | SampleFailure]:
        """One rounding, on the device; then all images come to the host together, or failures in their place."""
        broken = [broken_in(image[None]).back(self._transfers) if _is_float(image) else None for image in raw]
        here = [image if isinstance(image, SampleFailure) else self._transfers.back(_rounded(image)) for image in raw]
        self._transfers.asked()()
        late = [
            None if one is None else one.failures([request.id])[0] for one, request in zip(broken, batch, strict=True)
        ]
        return [failure or image for failure, image in zip(late, here, strict=True)]

    def _finished(self, request: ConditionSample, image: Tensor) -> tuple[Tensor | SampleFailure, str | None]:
        """The image at the task's size, with a note where that changed the pixels."""
        try:
            scored = self._preset.prepare(Sample(request.id, image)).reference
        except SampleError as error:
            return SampleFailure(request.id, "preprocess", str(error)), None
        sizes = ["x".join(map(str, one.shape[-2:])) for one in (image, scored)]
        return scored, f"{sizes[0]} -> {sizes[1]}, {self._preset.id}" if sizes[0] != sizes[1] else None


def _is_float(image: Tensor | SampleFailure) -> TypeGuard[Tensor]:
    return isinstance(image, Tensor) and image.is_floating_point()


def _rounded(image: Tensor) -> Tensor:
    return to_uint8(torch.nan_to_num(image)) if image.is_floating_point() else image


def _opened(pending: Sequence[ConditionSample], most: int) -> list[ConditionSample]:
    """The next requests, with the images of their conditions in memory; one whose images cannot be read is alone."""
    batch: list[ConditionSample] = []
    for request in pending[:most]:
        try:
            batch.append(replace(request, condition=request.condition.opened()))
        except UnreadableConditionError:
            return batch or [request]
    return batch


def _failed(request: ConditionSample, error: Exception) -> SampledBatch:
    if isinstance(error, UnreadableConditionError):
        return SampledBatch([request], [SampleFailure(request.id, "decode", error.what, of_model=False)])
    return SampledBatch([request], [model_failure(request.id, error)])


@dataclass(frozen=True, eq=False)
class PremadeSampler:
    """Images made elsewhere, decoded and brought to the task's size ahead of the metrics.

    Attributes:
        decoders: processes; 0 decodes in this one.
    """

    images: ImageDataset
    conditions: ConditionSet
    preset: Preset
    decoders: int

    def over(self, blocks: Sequence[Block]) -> Iterator[tuple[Block, Iterator[SampledBatch]]]:
        """See :class:`Sampler`."""
        spans = [(block.index, block.start, block.stop) for block in blocks]
        arriving = iterate_blocks(self.images, self.preset, spans, self.decoders)
        for block, (_, items) in zip(blocks, arriving, strict=True):
            requests = [self.conditions[index] for index in range(block.start, block.stop)]
            outcomes = [
                item.reference if isinstance(item, Prepared) else replace(item, of_model=False) for item in items
            ]
            yield block, iter([SampledBatch(requests, outcomes)])
