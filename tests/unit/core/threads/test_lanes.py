"""Lanes: the bits of one thread, in order, however many threads there are; and nothing left behind."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from vtbench.core.threads.lanes import by_image, in_lanes, on_one_thread

THREADS = (1, 2, 3)


@pytest.fixture(autouse=True)
def _threads_put_back() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def seen(_: object) -> tuple[int, str]:
    return torch.get_num_threads(), threading.current_thread().name


def sums(images: Tensor) -> Tensor:
    """What is split among threads: a long sum, a product, a convolution."""
    kernel = torch.linspace(-1, 1, 3 * 3 * 25).view(3, 3, 5, 5)
    return torch.stack([
        (images / 3).sum(), (images[0, 0] @ images[0, 1].T).softmax(0).std(),
        torch.nn.functional.conv2d(images, kernel).square().mean(),
    ])  # fmt: skip


def test_the_bits_are_those_of_one_thread_whatever_the_number_and_the_batch() -> None:
    images = torch.rand((7, 3, 150, 130), generator=torch.Generator().manual_seed(0))
    found = []
    for threads in THREADS:
        torch.set_num_threads(threads)
        found.append(torch.stack(by_image(sums, images)))
        found.append(torch.cat([torch.stack(by_image(sums, part)) for part in images.split(2)]))
    assert all(torch.equal(other, found[0]) for other in found)
    with on_one_thread():
        assert torch.equal(torch.stack([sums(image[None]) for image in images]), found[0])


def test_pieces_come_back_in_order_from_lanes_of_one_thread_each() -> None:
    torch.set_num_threads(3)
    gate = threading.Barrier(3)

    def late(item: int) -> tuple[int, int, str]:
        gate.wait(10)  # all three at once
        time.sleep(0.02 * (3 - item % 3))
        return (item, *seen(item))

    found = in_lanes(late, range(6))
    assert [item for item, _, _ in found] == list(range(6))
    assert {threads for _, threads, _ in found} == {1} and len({name for _, _, name in found}) == 3
    assert torch.get_num_threads() == 3
    elsewhere: list[int] = []
    thread = threading.Thread(target=lambda: elsewhere.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert elsewhere == [3], "a thread that torch had not met yet has what the process has, not what a lane has"


def test_with_one_thread_or_on_a_lane_nothing_goes_elsewhere() -> None:
    here = threading.current_thread().name
    torch.set_num_threads(1)
    assert in_lanes(seen, range(2)) == [(1, here)] * 2
    torch.set_num_threads(2)
    inner = in_lanes(lambda _: (seen(0), in_lanes(seen, range(3))), range(2))
    assert all(found == [outer] * 3 for outer, found in inner)
    assert in_lanes(seen, ()) == []


def test_no_more_at_once_than_allowed() -> None:
    torch.set_num_threads(3)
    there, most, lock = 0, 0, threading.Lock()

    def work(_: int) -> None:
        nonlocal there, most
        with lock:
            there += 1
            most = max(most, there)
        time.sleep(0.01)
        with lock:
            there -= 1

    in_lanes(work, range(12), most=2)
    assert most == 2


@pytest.mark.parametrize("threads", THREADS)
def test_the_first_failure_is_told_and_nothing_is_at_work_then(threads: int) -> None:
    torch.set_num_threads(threads)
    done: list[int] = []

    def work(item: int) -> None:
        if item in (3, 4):
            raise ValueError(item)
        time.sleep(0.01)
        done.append(item)

    with pytest.raises(ValueError, match="3"):
        in_lanes(work, range(1000))
    left = len(done)
    time.sleep(0.05)
    assert len(done) == left < 10
    assert in_lanes(seen, range(2)), "lanes serve on"


def test_what_ends_a_process_ends_the_caller() -> None:
    torch.set_num_threads(2)

    def leave(item: int) -> None:
        raise SystemExit(item)

    with pytest.raises(SystemExit):
        in_lanes(leave, [3])


@pytest.mark.parametrize("threads", THREADS)
def test_a_lane_is_in_the_callers_modes(threads: int) -> None:
    torch.set_num_threads(threads)

    def modes(_: int) -> tuple[bool, bool]:
        return torch.is_inference_mode_enabled(), torch.is_grad_enabled()

    with torch.inference_mode():
        assert in_lanes(modes, range(2)) == [(True, False)] * 2
    with torch.no_grad():
        assert in_lanes(modes, range(2)) == [(False, False)] * 2
    assert in_lanes(modes, range(2)) == [(False, True)] * 2


def _in_child(threads: int, answer: multiprocessing.queues.Queue[int]) -> None:
    torch.set_num_threads(threads)
    answer.put(sum(in_lanes(lambda item: item, range(4))))


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_a_forked_process_makes_lanes_of_its_own() -> None:
    torch.set_num_threads(2)
    in_lanes(seen, range(4))
    context = multiprocessing.get_context("fork")
    answer = context.Queue()
    child = context.Process(target=_in_child, args=(2, answer))
    child.start()
    assert answer.get(timeout=60) == 6
    child.join(60)


def test_one_thread_is_put_back_after_a_failure_too() -> None:
    torch.set_num_threads(3)
    with pytest.raises(ValueError, match="1"), on_one_thread():
        raise ValueError(torch.get_num_threads())
    assert torch.get_num_threads() == 3
