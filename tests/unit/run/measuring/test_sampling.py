"""What a run makes of a generator's codes: its own images where it has a way to make them, else decoded codes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from vtbench.core.codes import Codes
from vtbench.core.contracts import Condition, SampleFailure
from vtbench.core.info import GeneratorInfo
from vtbench.core.seeds import sample_seed
from vtbench.data.conditions import balanced_classes, unconditional
from vtbench.data.preparing.presets import make_preset
from vtbench.generators.fitted.tiny_ar import TinyAr
from vtbench.run.measuring.sampling import GeneratorSampler
from vtbench.run.storing.blocks import split_blocks


class Seeded(TinyAr):
    """Its images are one grey, told by their seed."""

    def sample(self, conditions: Sequence[Condition], seeds: torch.Tensor) -> torch.Tensor:
        return self.images(self.sample_codes(conditions, seeds), seeds)

    def images(self, codes: Codes, seeds: torch.Tensor) -> torch.Tensor:
        decoded = self.tokenizer.decode(codes)
        return torch.ones_like(decoded) * (seeds % 256 / 255).float()[:, None, None, None]


def made(generator: TinyAr) -> tuple[torch.Tensor, list[int]]:
    """Images ``uint8 [4,3,64,64]`` of a run, and the seeds that it gave."""
    conditions = balanced_classes(2, 2)
    cpu = torch.device("cpu")
    sampler = GeneratorSampler(generator, conditions, make_preset("native@1", None), cpu, torch.float32, 7, 3)
    batches = [batch for _, each in sampler.over(split_blocks(len(conditions), 4)) for batch in each]
    assert all(batch.codes is not None for batch in batches)
    images = [image for batch in batches for image in batch.outcomes]
    seeds = [sample_seed(7, request.id) for batch in batches for request in batch.requests]
    return torch.stack([image for image in images if isinstance(image, torch.Tensor)]), seeds


def test_a_generators_own_images_are_taken_with_each_ones_seed() -> None:
    images, seeds = made(Seeded())
    assert images.flatten(1).unique(dim=1).tolist() == [[seed % 256] for seed in seeds]


def test_without_them_codes_are_decoded() -> None:
    images, _ = made(TinyAr())
    assert len(images) == 4 and len(images.unique()) > 50


class Writer:
    """Writes files, of which every third is broken."""

    info = GeneratorInfo(name="writer", conditions="none", native_size=8)

    def __init__(self) -> None:
        self.asked: list[int] = []

    def sample_each(
        self, conditions: Sequence[Condition], seeds: torch.Tensor, ids: Sequence[str]
    ) -> list[torch.Tensor | SampleFailure]:
        self.asked.append(len(conditions))
        broken = [int(id.rpartition("-")[2]) % 3 == 2 for id in ids]
        image = torch.zeros(3, 8, 8)
        return [SampleFailure(id, "model", "no file") if bad else image for id, bad in zip(ids, broken, strict=True)]


class BatchedWriter(Writer):
    """Takes no more at once than the run says."""

    batched = True


@pytest.mark.parametrize(("kind", "asked"), [(Writer, [8]), (BatchedWriter, [3, 3, 2])])
def test_samples_that_fail_leave_the_others_and_batches_are_as_asked(kind: type[Writer], asked: list[int]) -> None:
    writer, cpu = kind(), torch.device("cpu")
    sampler = GeneratorSampler(writer, unconditional(8), make_preset("native@1", None), cpu, torch.float32, 7, 3)
    batches = [batch for _, each in sampler.over(split_blocks(8, 8)) for batch in each]
    outcomes = [outcome for batch in batches for outcome in batch.outcomes]
    assert writer.asked == asked
    assert [isinstance(outcome, SampleFailure) for outcome in outcomes] == [at % 3 == 2 for at in range(8)]
