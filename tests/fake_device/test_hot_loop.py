"""A block measured on a fake GPU, from samples on the host to rows on the host: the thread that asks never waits, and
where it must it waits once a batch; nothing crosses but beside the work.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from traffic import GPU, FakeGpu

from vtbench.core.codes import Codes
from vtbench.core.contracts import Condition, Prepared
from vtbench.core.info import GeneratorInfo, TokenizerInfo
from vtbench.data.conditions import unconditional
from vtbench.data.preparing.presets import make_preset
from vtbench.metrics.catalog.lookup import metric_info
from vtbench.metrics.images.pixel import Psnr
from vtbench.metrics.probes.pooling import Pooling
from vtbench.run.measuring.conditioned.at_size import ConditionsAtSize
from vtbench.run.measuring.evaluators import Evaluators
from vtbench.run.measuring.generated import GenerationMeter
from vtbench.run.measuring.model import LoadedModel
from vtbench.run.measuring.predict import ModelPredictor
from vtbench.run.measuring.previews import PreviewKeeper
from vtbench.run.measuring.reconstructed import BlockMeter
from vtbench.run.measuring.sample_previews import SamplePreviews
from vtbench.run.measuring.sampling import GeneratorSampler
from vtbench.run.measuring.transit.transfers import ToGpu
from vtbench.run.storing.blocks import Block, BlockResult
from vtbench.tasks.sections import PreviewSpec

BATCH, BATCHES = 4, 3
COUNT = BATCH * BATCHES
INFO = TokenizerInfo(name="halves", kind="discrete", codebook_sizes=(256,))
MAIN = threading.main_thread().name


class Halves:
    """Each pixel is a code; all on the device."""

    info = INFO

    def to(self, device: torch.device, dtype: torch.dtype) -> Halves:
        return self

    def encode(self, images: Tensor) -> Codes:
        return Codes(levels=(images[:, 0].mul(255).long(),))

    def decode(self, codes: Codes) -> Tensor:
        return codes.levels[0][:, None].expand(-1, 3, -1, -1).float() / 255

    @property
    def tokenizer(self) -> Halves:
        return self


class Sampled(Halves):
    """The same, of nothing."""

    info = GeneratorInfo(name="halves", conditions="none", native_size=16)  # type: ignore[assignment]

    def __init__(self) -> None:
        self._tokenizer = Halves()

    def sample_codes(self, conditions: Sequence[Condition], seeds: Tensor) -> Codes:
        return Codes(levels=(torch.zeros(len(conditions), 16, 16, dtype=torch.int64, device=GPU),))

    @property
    def tokenizer(self) -> Halves:
        return self._tokenizer


class Means:
    """A feature extractor."""

    id = "means"

    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        return {"mean": images.float().mean(dim=(2, 3))}


EVALUATORS = Evaluators({"psnr": Psnr()}, {"means": Means()}, {"means": frozenset({"mean"})})


class Reference:
    """Features of the originals, which were never written."""

    def has(self, block: Block) -> bool:
        return False

    def write(self, block: Block, features: Any) -> None:
        """Nothing is kept."""


def in_another_thread(finish: Callable[[], BlockResult]) -> None:
    """As the runner does with what a device has not found yet. Its values are not known, so that it cannot end well."""
    with ThreadPoolExecutor(1, "writing") as thread:
        thread.submit(finish).exception()


def reconstruction(
    transfers: ToGpu, folder: Path, restore: Callable[[Tensor], Tensor] | None, pooling: Pooling | None = None
) -> Callable[[], Any]:
    names = [f"image-{place}" for place in range(COUNT)]
    samples = [
        transfers.ready(Prepared(name, image, image, restore, None))
        for name, image in zip(names, torch.zeros(COUNT, 3, 16, 16, dtype=torch.uint8), strict=True)
    ]
    meter = BlockMeter(
        predictor=ModelPredictor(LoadedModel(Halves(), GPU), 0, BATCH, transfers),
        evaluators=EVALUATORS,
        references={"means": Reference()},  # type: ignore[dict-item]
        info=INFO,
        previews=PreviewKeeper(folder, PreviewSpec(), frozenset({0}), metric_info("psnr")),
        device=GPU,
        transfers=transfers,
        batch_size=BATCH,
        columns=["psnr"],
        pooling=pooling,
    )
    return lambda: meter.measure(Block(0, 0, COUNT), samples, 0.0)


def generation(transfers: ToGpu, folder: Path) -> Callable[[], Any]:
    conditions = unconditional(COUNT)
    sampler = GeneratorSampler(
        Sampled(), conditions, make_preset("native@1", None), GPU, torch.float32, 0, BATCH, transfers=transfers
    )
    meter = GenerationMeter(
        evaluators=EVALUATORS,
        tokenizer=INFO,
        previews=SamplePreviews(folder, frozenset({0})),
        device=GPU,
        transfers=transfers,
        columns=[],
        conditions=ConditionsAtSize(make_preset("native@1", None), ()),
    )

    def measure() -> Any:
        ((block, batches),) = sampler.over([Block(0, 0, COUNT)])
        return meter.measure(block, batches, 0.0)

    return measure


def upside_down(image: Tensor) -> Tensor:
    return image.flip(1)


def entries(level: int) -> Tensor:
    return torch.zeros(256, 3, device=GPU)


CASES: dict[str, tuple[Callable[[ToGpu, Path], Callable[[], Any]], int]] = {
    "reconstruction": (lambda transfers, folder: reconstruction(transfers, folder, None), 0),
    "restored on the host": (lambda transfers, folder: reconstruction(transfers, folder, upside_down), BATCHES),
    "codes pooled": (lambda transfers, folder: reconstruction(transfers, folder, None, Pooling(entries)), 0),
    "generation": (generation, BATCHES),
}


@pytest.fixture
def gpu() -> Iterator[FakeGpu]:
    with FakeGpu() as entered, entered.with_streams():
        yield entered


@pytest.mark.parametrize("case", CASES)
def test_at_most_one_wait_a_batch(case: str, gpu: FakeGpu, tmp_path: Path) -> None:
    make, waits = CASES[case]
    finish = make(ToGpu(GPU), tmp_path)()
    assert gpu.waits[MAIN] == waits <= BATCHES
    assert (dict(gpu.to_host), dict(gpu.to_device)) == ({}, {})
    assert sum(gpu.beside.values()) >= COUNT
    in_another_thread(finish)
    assert gpu.waits.total() == waits + 1
