"""What stays ready between calls is used again, nothing else stays, and memory does not grow."""

from __future__ import annotations

import gc
import tracemalloc
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset

import vtbench
from vtbench.features.efflite0 import EfficientNetLite0
from vtbench.metrics.images.lpips import LpipsAlex

TASK = """
name: with-networks
version: 1
kind: reconstruction
summary: A network of pairs and one of sets.
preprocess: {preset: native@1}
image_metrics: [psnr, lpips_alex]
set_metrics: [fd_efflite0]
block_size: 4
"""
CALLS, WARM = 15, 5


class Counted(Dataset[Tensor]):
    def __init__(self, images: Tensor) -> None:
        self.images, self.reads = images, 0

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        self.reads += 1
        return self.images[index]


@pytest.fixture
def task(tmp_path: Path) -> str:
    path = tmp_path / "with-networks.yaml"
    path.write_text(TASK, encoding="utf-8")
    return str(path)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Networks that were made, and images that the extractor was given."""
    counts = {"networks": 0, "images": 0}

    def watch(kind: Any) -> None:
        made, called = kind.__init__, kind.__call__

        def make(self: Any, *given: Any, **named: Any) -> None:
            counts["networks"] += 1
            made(self, *given, **named)

        def call(self: Any, images: Tensor, *given: Any) -> Any:
            counts["images"] += len(images) if kind is EfficientNetLite0 else 0
            return called(self, images, *given)

        monkeypatch.setattr(kind, "__init__", make)
        monkeypatch.setattr(kind, "__call__", call)

    watch(EfficientNetLite0)
    watch(LpipsAlex)
    return counts


def scaled(factor: float) -> Any:
    return vtbench.reconstructor(lambda x: x * factor, name=f"times-{factor}")


def test_a_second_call_reads_no_image_and_takes_no_feature_of_a_reference(
    task: str, images: Tensor, seen: dict[str, int]
) -> None:
    images = images.flip(-1)  # of no other test, one of which leaves features in the cache
    data = Counted(images)
    with vtbench.Evaluator(task, data=data) as evaluator:
        first = evaluator(scaled(0.9))
        assert seen == {"networks": 2, "images": 2 * 10} and data.reads == 10
        second = evaluator(scaled(0.5))
        assert seen == {"networks": 2, "images": 3 * 10} and data.reads == 10
    for factor, found in ((0.9, first), (0.5, second)):
        alone = vtbench.evaluate(scaled(factor), task, data=images).records[0]
        assert found.records[0].results_digest() == alone.results_digest()


def test_images_that_are_not_kept_are_read_again(task: str, images: Tensor) -> None:
    data, image_bytes = Counted(images), images[0].numel()
    evaluator = vtbench.Evaluator(task, data=data, keep_bytes=8 * image_bytes)
    values = []
    for reads in (10, 12, 14):  # of three blocks the last does not fit
        values.append(evaluator(scaled(0.9)).value("fd_efflite0"))
        assert data.reads == reads
    assert len(set(values)) == 1


def test_it_goes_on_after_it_was_closed_and_leaves_no_folder(
    task: str, images: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    evaluator = vtbench.Evaluator(task, data=images)
    digests = []
    for _ in range(2):
        digests.append(evaluator(scaled(0.9)).records[0].results_digest())
        (folder,) = (tmp_path / "temporary").iterdir()
        assert [path.name for path in folder.iterdir()] == [".references"]
        evaluator.close()
        assert not folder.exists()
    assert digests[0] == digests[1]


def test_it_is_let_go_with_its_folder(
    task: str, images: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    evaluator = vtbench.Evaluator(task, data=images)
    evaluator(scaled(0.9))
    del evaluator
    gc.collect()
    assert list((tmp_path / "temporary").iterdir()) == []


def test_memory_does_not_grow_from_call_to_call(task: str, images: Tensor) -> None:
    network = torch.nn.Conv2d(3, 3, 1)
    evaluator = vtbench.Evaluator(task, data=images)
    sizes, objects, tensors = [], [], []
    gc.freeze()  # what the tests before left is neither walked nor counted
    tracemalloc.start()
    try:
        for step in range(CALLS):
            evaluator(vtbench.reconstructor(lambda x: network(x), name=f"step-{step}")).value("psnr")
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
            objects.append(len(gc.get_objects()))
            tensors.append(sum(issubclass(type(one), Tensor) for one in gc.get_objects()))
    finally:
        tracemalloc.stop()
        gc.unfreeze()
    assert tensors[-1] == tensors[WARM]
    # What leaks, leaks at every call; a table that some library enlarges does so once, and whenever it likes.
    assert median(b - a for a, b in pairwise(objects[WARM:])) < 20
    assert median(b - a for a, b in pairwise(sizes[WARM:])) < 16_000


def test_records_are_kept_where_a_folder_is_given(task: str, images: Tensor, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    evaluator = vtbench.Evaluator(task, data=images, out=out)
    results = [evaluator(scaled(factor)) for factor in (0.9, 0.5)]
    evaluator.close()
    kept = {record.model.label: record for record in vtbench.load_records(out)}
    assert kept == {result.records[0].model.label: result.records[0] for result in results}
    assert results[0].out == out and len([*out.rglob("*.webp")]) > 0
    assert vtbench.samples_frame(out)["psnr"].tolist() == [
        value for factor in (0.5, 0.9) for value in results[factor == 0.5].samples["psnr"]
    ]
