"""Blocks from worker processes: the same as in-process, bounded, and robust to what single samples do."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from vtbench.core.contracts import Prepared, Sample, SampleFailure
from vtbench.core.errors import SampleError, UsageError, VtbenchError
from vtbench.data.embedded.photographs.photos_mini import PhotosMini
from vtbench.data.loader import iterate_blocks
from vtbench.data.preparing.presets import make_preset
from vtbench.data.sources.folder import ImageFolder


class Made:
    """Images made from their index; some misbehave."""

    fingerprint = "made"

    def __init__(self, count: int = 12, kill_at: int = -1) -> None:
        self.ids = tuple(f"made-{index}" for index in range(count))
        self.kill_at = kill_at

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        if index == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        image = torch.full((3, 20, 30), index % 256, dtype=torch.uint8)
        return Sample(id=self.ids[index], image=image, target={"pid": os.getpid(), "threads": torch.get_num_threads()})


class Misbehaving(Made):
    def __getitem__(self, index: int) -> Sample:
        good = super().__getitem__(index)
        if index == 1:
            raise SampleError("made-1: torn", "glue it")
        if index == 2:
            raise ZeroDivisionError("odd plug-in")
        if index == 3:
            return Sample(id=good.id, image=good.image.float())
        if index == 4:
            return Sample(id=good.id, image=good.image[0])
        if index == 5:
            return Sample(id=good.id, image=torch.zeros(3, 1, 2000, dtype=torch.uint8))
        if index == 6:
            return Sample(id=good.id, image=good.image, target=lambda: "cannot be pickled")
        return good


def collect(dataset: Any, preset: Any, blocks: list[tuple[int, int, int]], workers: int) -> dict[int, list[Any]]:
    return dict(iterate_blocks(dataset, preset, blocks, workers))


def same(one: Prepared | SampleFailure, other: Prepared | SampleFailure) -> bool:
    if isinstance(one, SampleFailure) or isinstance(other, SampleFailure):
        return one == other
    return (
        one.id == other.id
        and one.target == other.target
        and one.restore == other.restore
        and one.model_input.dtype == other.model_input.dtype == torch.uint8
        and one.model_input.equal(other.model_input)
        and one.reference.equal(other.reference)
        and (one.reference is one.model_input) == (other.reference is other.model_input)
    )


BLOCKS = [(0, 0, 5), (3, 15, 20), (2, 10, 15), (9, 20, 20)]


@pytest.mark.parametrize(
    ("name", "size"), [("adm-center-crop", 64), ("tokbench-pad-resize-undo", 96), ("native", None)]
)
def test_any_number_of_workers_gives_the_same_bits(name: str, size: int | None) -> None:
    preset = make_preset(name, size)
    alone = collect(PhotosMini(), preset, BLOCKS, 0)
    assert list(alone) == [0, 3, 2, 9]
    assert [item.id for item in alone[2]] == list(PhotosMini().ids[10:15])
    assert alone[9] == []
    helped = collect(PhotosMini(), preset, BLOCKS, 2)
    assert list(helped) == list(alone)
    for index, items in alone.items():
        assert all(same(one, other) for one, other in zip(items, helped[index], strict=True))


@pytest.mark.parametrize("workers", [0, 2])
def test_broken_files_become_failures_in_their_place(image_tree: Path, workers: int) -> None:
    items = collect(ImageFolder(image_tree), make_preset("adm-center-crop", 32), [(0, 0, 4)], workers)[0]
    assert isinstance(items[0], SampleFailure)
    assert (items[0].id, items[0].stage) == ("ant/broken.png", "decode")
    assert items[0].message.startswith("ant/broken.png: ")
    assert all(isinstance(item, Prepared) for item in items[1:])


@pytest.mark.parametrize("workers", [0, 2])
def test_whatever_one_sample_does_the_others_survive(workers: int) -> None:
    items = collect(Misbehaving(), make_preset("adm-center-crop", 512), [(0, 0, 8)], workers)[0]
    failed = {item.id: (item.stage, item.message) for item in items if isinstance(item, SampleFailure)}
    assert failed["made-1"] == ("decode", "made-1: torn")
    assert failed["made-2"] == ("decode", "ZeroDivisionError: odd plug-in")
    assert failed["made-3"][1] == "ValueError: the data set gave torch.float32 (3, 20, 30), not uint8 [3,H,W]"
    assert failed["made-4"][0] == "decode"
    assert failed["made-5"][0] == "preprocess"
    assert failed["made-6"][0] == "preprocess"  # an error, not a hang
    assert len(failed) == 6
    assert {item.id for item in items} - set(failed) == {"made-0", "made-7"}


def test_work_happens_in_other_processes_with_one_thread_each() -> None:
    items = collect(Made(), make_preset("native", None), [(0, 0, 12)], 2)[0]
    assert os.getpid() not in {item.target["pid"] for item in items}
    assert len({item.target["pid"] for item in items}) == 2
    assert {item.target["threads"] for item in items} == {1}
    assert {item.target["pid"] for item in collect(Made(), make_preset("native", None), [(0, 0, 3)], 0)[0]} == {
        os.getpid()
    }


def test_a_killed_worker_is_told() -> None:
    with pytest.raises(VtbenchError, match=r"worker process died[\s\S]*--workers"):
        collect(Made(kill_at=5), make_preset("native", None), [(0, 0, 12)], 2)


def test_a_large_block_needs_no_file_descriptors() -> None:
    count, opened = 3000, Path("/proc/self/fd")
    if not opened.exists():
        pytest.skip("open files cannot be counted here")
    before = len(list(opened.iterdir()))
    blocks = iterate_blocks(Made(count), make_preset("native", None), [(0, 0, count)], 2)
    _, items = next(blocks)
    assert len(list(opened.iterdir())) - before < 50
    assert [int(item.model_input[0, 0, 0]) for item in items] == [index % 256 for index in range(count)]


def test_the_consumer_may_stop_early() -> None:
    blocks = iterate_blocks(Made(), make_preset("native", None), [(0, 0, 4), (1, 4, 8), (2, 8, 12)], 2)
    assert next(blocks)[0] == 0
    blocks.close()


def test_reading_leaves_the_global_random_state_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    collect(Made(), make_preset("native", None), [(0, 0, 4)], 1)
    assert torch.rand(3).equal(expected)


def test_images_may_be_written_to() -> None:
    for workers in (0, 1):
        item = collect(Made(), make_preset("native", None), [(0, 2, 3)], workers)[0][0]
        item.model_input.add_(1)
        assert (item.model_input == 3).all()


@pytest.mark.parametrize(("block", "workers"), [((0, 5, 13), 0), ((0, 5, 4), 0), ((0, -1, 4), 0), ((0, 0, 4), -1)])
def test_impossible_requests_are_refused_at_once(block: tuple[int, int, int], workers: int) -> None:
    with pytest.raises(UsageError):
        iterate_blocks(Made(), make_preset("native", None), [block], workers)
