"""Blocks find a worker whatever becomes of the others; engines are played by functions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from vtbench.core.errors import VtbenchError
from vtbench.run.launching import pool as pools
from vtbench.run.launching.block_server import Delivery
from vtbench.run.launching.pool import ATTEMPTS, Pool, WorkerLostError

Measure = Callable[[int, str, int], None]


class Played:
    """A worker that calls ``measure(number, key, block)`` before it delivers a block."""

    def __init__(self, number: int, measure: Measure) -> None:
        self.number, self._measure = number, measure
        self.chunks: list[list[int]] = []
        self.events: dict[int, str] = {}
        self.ended = False

    def prepare(self, key: str) -> Any:
        self._measure(self.number, key, -1)
        return "prepared", Delivery({}, {}, ())

    def measure(self, key: str, indices: Sequence[int], events: Mapping[int, str]) -> Iterator[tuple[int, Delivery]]:
        self.chunks.append(list(indices))
        self.events |= events
        for block in indices:
            self._measure(self.number, key, block)
            yield block, Delivery({f"{key}/{block}": b"%d" % self.number}, {}, ())

    def end(self) -> None:
        self.ended = True


class Crowd:
    """All workers that were made, in order, and what was told."""

    def __init__(self, count: int, measure: Measure) -> None:
        self.made: list[Played] = []
        self.told: list[str] = []
        self.pool = Pool(lambda number: self._make(number, measure), count, self.told.append)

    def _make(self, number: int, measure: Measure) -> Played:
        self.made.append(Played(number, measure))
        return self.made[-1]

    def blocks(self, key: str, count: int) -> list[int]:
        return [block for block, _ in self.pool.measure(key, range(count))]


def nothing(number: int, key: str, block: int) -> None:
    del number, key, block


def test_each_block_is_delivered_once_and_the_last_go_one_by_one() -> None:
    crowd = Crowd(2, nothing)
    assert sorted(crowd.blocks("job", 50)) == list(range(50))
    sizes = [len(chunk) for played in crowd.made for chunk in played.chunks]
    assert max(sizes) == 12 and min(sizes) == 1 and not crowd.told


def test_a_lost_workers_blocks_go_to_others_and_the_loss_is_told() -> None:
    once = threading.Event()

    def measure(number: int, key: str, block: int) -> None:
        if block == 3 and not once.is_set():
            once.set()
            raise WorkerLostError("its machine is gone")

    crowd = Crowd(2, measure)
    assert sorted(crowd.blocks("job", 8)) == list(range(8))
    assert len(crowd.made) == 3 and sum(played.ended for played in crowd.made) == 1
    events = {block: text for played in crowd.made for block, text in played.events.items()}
    assert list(events) == [3] and "its machine is gone" in events[3] and "is lost" in crowd.told[0]


def test_a_block_that_takes_workers_with_it_ends_the_job_and_not_the_others() -> None:
    def measure(number: int, key: str, block: int) -> None:
        if block == 2 and key == "bad":
            raise WorkerLostError("out of memory")

    crowd, done = Crowd(2, measure), []
    with pytest.raises(VtbenchError, match=f"block 2 took {ATTEMPTS} workers with it; the last: out of memory"):
        done.extend(block for block, _ in crowd.pool.measure("bad", range(6)))
    assert 2 not in done
    assert sorted(crowd.blocks("good", 6)) == list(range(6))


def test_one_worker_is_not_made_for_ever() -> None:
    def measure(number: int, key: str, block: int) -> None:
        raise WorkerLostError("no such module")

    crowd = Crowd(1, measure)
    with pytest.raises(VtbenchError, match="was lost 4 times; the last: no such module"):
        crowd.pool.prepare("job")


def test_what_a_worker_cannot_do_is_raised_and_late_blocks_of_that_job_are_not_taken() -> None:
    failed = threading.Event()

    def measure(number: int, key: str, block: int) -> None:
        if key == "bad" and block == 0:
            failed.set()
            raise VtbenchError("a model broke its contract")
        if key == "bad":
            failed.wait()

    crowd = Crowd(2, measure)
    with pytest.raises(VtbenchError, match="broke its contract"):
        crowd.blocks("bad", 2)
    found = dict(crowd.pool.measure("good", range(4)))
    assert sorted(found) == [0, 1, 2, 3]
    assert all(name.startswith("good/") for delivery in found.values() for name in delivery.runs)


def test_what_a_slow_worker_has_goes_to_another_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "_LOOK_S", 0.02)
    held, released = threading.Event(), threading.Event()

    def measure(number: int, key: str, block: int) -> None:
        if block == 0 and not held.is_set():
            held.set()
            released.wait(20)

    crowd = Crowd(2, measure)
    found = dict(crowd.pool.measure("job", range(6)))
    released.set()
    assert sorted(found) == list(range(6))
    assert "is slow: block 0" in crowd.told[0]
