"""Loading, the model and writing at the same time: a slow device that works through a queue of its own, traced."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import vtbench
from vtbench.core.contracts import Sample
from vtbench.core.errors import VtbenchError
from vtbench.core.info import TokenizerInfo
from vtbench.run.executing import reconstruction
from vtbench.run.executing.writing import written
from vtbench.run.measuring import predict
from vtbench.run.measuring.transit.transfers import OnHost
from vtbench.run.storing.blocks import Block, BlockStore

LOAD_S, MODEL_S, WRITE_S = 0.012, 0.12, 0.06
BLOCKS, OF = 10, 4
TASK = f"""
name: traced
version: 1
kind: reconstruction
summary: Small.
preprocess: {{preset: native@1}}
image_metrics: [psnr]
block_size: {OF}
previews: {{fixed: 0, worst: 0}}
"""


@dataclass(frozen=True)
class Interval:
    what: str
    begin: float
    end: float


class Trace:
    """Intervals in a file, which data workers write to as well; their clock is the machine's."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def noted(self, what: str) -> Iterator[None]:
        begin = time.monotonic()
        yield
        with self.path.open("a") as file:
            file.write(f"{what} {begin!r} {time.monotonic()!r}\n")

    def of(self, what: str) -> list[Interval]:
        """In the order in which they began."""
        rows = [line.split() for line in self.path.read_text().splitlines()]
        found = [Interval(row[0], float(row[1]), float(row[2])) for row in rows if row[0] == what]
        return sorted(found, key=lambda one: one.begin)


class SlowDevice(OnHost):
    """Work that was asked for is done in a thread, one piece after another; what it finds is known from the start."""

    lags = True

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._asked: queue.Queue[Callable[[], None]] = queue.Queue()
        threading.Thread(target=self._work, daemon=True).start()

    def ask(self) -> None:
        """For a model's pass."""
        with self._trace.noted("asked"):
            self._asked.put(self._occupied)

    def asked(self) -> Callable[[], None]:
        done = threading.Event()
        self._asked.put(done.set)
        return lambda: self._waited(done)

    def _waited(self, done: threading.Event) -> None:
        with self._trace.noted(f"waited-{threading.current_thread() is threading.main_thread()}"):
            done.wait()

    def _occupied(self) -> None:
        with self._trace.noted("model"):
            time.sleep(MODEL_S)

    def _work(self) -> None:
        while True:
            self._asked.get()()


class SlowImages:
    fingerprint = "slow images"

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.ids = tuple(f"image-{place:02d}" for place in range(BLOCKS * OF))

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        with self.trace.noted("loading"):
            time.sleep(LOAD_S)
        return Sample(self.ids[index], torch.full((3, 8, 8), index, dtype=torch.uint8))


class Asking:
    """A model of that device."""

    info = TokenizerInfo(name="asking", kind="continuous")

    def __init__(self, device: SlowDevice) -> None:
        self.device = device

    def reconstruct(self, images: Tensor) -> Tensor:
        self.device.ask()
        return images * 0.5


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    """Of a whole run."""
    tmp_path = tmp_path_factory.mktemp("traced")
    (tmp_path / "traced.yaml").write_text(TASK)
    found = Trace(tmp_path / "trace")
    device, write = SlowDevice(found), BlockStore.write

    def slowly(store: BlockStore, *given: Any) -> None:
        with found.noted("writing"):
            time.sleep(WRITE_S)
            write(store, *given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BlockStore, "write", slowly)
        patch.setattr(reconstruction, "transfers_to", lambda _: device)
        patch.setattr(predict, "transfers_to", lambda _: device)
        for name in ("warming-up", "runs"):  # the first imports what a run needs
            found.path.unlink(missing_ok=True)
            task, out = str(tmp_path / "traced.yaml"), tmp_path / name
            vtbench.evaluate(Asking(device), task, data=SlowImages(found), out=out, workers=1, device="cpu")
    return found


def overlap(first: Interval, second: Interval) -> bool:
    return first.begin < second.end and second.begin < first.end


def test_loading_model_and_writing_overlap(trace: Trace) -> None:
    loading, asked, model, writing = (trace.of(what) for what in ("loading", "asked", "model", "writing"))
    loading = loading[1:]  # the plan looks at the first image
    assert (len(loading), len(asked), len(model), len(writing)) == (BLOCKS * OF, BLOCKS, BLOCKS, BLOCKS)
    # while the device is at a block, later images are loaded, the block before is written, the next is asked for
    assert sum(any(overlap(model[k], one) for one in loading[OF * (k + 1) :]) for k in range(BLOCKS)) >= 1
    assert sum(overlap(model[k + 1], writing[k]) for k in range(BLOCKS - 1)) >= BLOCKS // 2
    assert sum(asked[k + 1].begin < model[k].end for k in range(BLOCKS - 1)) >= BLOCKS // 2
    # nor does the thread that asks ever wait for the device
    assert not trace.of("waited-True") and len(trace.of("waited-False")) == BLOCKS
    every = [*loading, *model, *writing]
    wall = max(one.end for one in every) - min(one.begin for one in every)
    assert wall < 0.75 * sum(one.end - one.begin for one in every)


def test_blocks_are_written_in_order_one_at_a_time_and_none_begins_before_it_is_finished(trace: Trace) -> None:
    model, writing = trace.of("model"), trace.of("writing")
    assert all(before.end <= after.begin for before, after in pairwise(writing))
    assert all(model[k].end <= writing[k].begin for k in range(BLOCKS))


def handed(writes: Sequence[Callable[[], None]], made: list[int]) -> Iterator[tuple[Block, Callable[[], None]]]:
    for place, write in enumerate(writes):
        made.append(place)
        yield Block(place, place, place + 1), write


def full() -> None:
    raise VtbenchError("the disk is full")


def test_what_a_write_raises_is_raised_before_another_is_written() -> None:
    made: list[int] = []
    wrote: list[str] = []
    blocks = written(handed([lambda: wrote.append("first"), full, lambda: wrote.append("never")], made))
    assert next(blocks).index == 0
    with pytest.raises(VtbenchError, match="the disk is full"):
        list(blocks)
    assert wrote == ["first"] and made == [0, 1, 2]


def test_the_last_write_may_raise_too() -> None:
    with pytest.raises(VtbenchError, match="the disk is full"):
        list(written(handed([full], [])))


def test_whoever_ends_early_finds_what_was_in_flight_written() -> None:
    wrote: list[int] = []

    def slow() -> None:
        time.sleep(0.1)
        wrote.append(len(wrote))

    blocks = written(handed([slow] * 5, made := []))
    next(blocks)
    blocks.close()  # type: ignore[attr-defined]
    assert wrote == made == [0, 1]


def test_a_measuring_that_raises_leaves_the_block_before_written() -> None:
    wrote: list[int] = []

    def measured() -> Iterator[tuple[Block, Callable[[], None]]]:
        yield Block(0, 0, 1), lambda: wrote.append(0)
        raise VtbenchError("the model broke")

    with pytest.raises(VtbenchError, match="the model broke"):
        list(written(measured()))
    assert wrote == [0]
