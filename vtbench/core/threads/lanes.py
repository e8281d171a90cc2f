"""Many threads, and the bits of one: a piece of work is done whole on one thread, and pieces come back in order.

On how many threads a kernel of torch runs decides where its sums are cut, and so their last digits; how many images it
is given decides which kernel runs. Here every piece (an image, as a rule) is done on a lane, a thread whose kernels run
on that thread alone. What comes out depends neither on how many lanes there are nor on the batch that an image came in.
torch lets go of the interpreter while it computes, so lanes run at once.

There are as many lanes as torch has threads where the work is asked for: ``OMP_NUM_THREADS`` and
``torch.set_num_threads`` are heeded.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_lanes(function: Callable[[Item], Result], items: Iterable[Item], most: int | None = None) -> list[Result]:
    """``[function(item) for item in items]``, several at once.

    Args:
        function: may be called from several threads at once; it finds the caller's inference mode and grad mode. It is
            called from no thread but the caller's where torch has one thread, or where the caller is on a lane itself.
        items: each is one piece of work.
        most: pieces at once, which bounds memory; as many as there are lanes unless given.

    Raises:
        Exception: of the first item, in order, whose call raised; nothing is at work any more then.
    """
    import torch

    waiting = deque(enumerate(items))
    threads = 1 if _lane.here else torch.get_num_threads()
    work = _Work(function, waiting, [None] * len(waiting))
    if threads == 1:
        work.run()
    elif waiting:
        lanes = _lanes(threads)
        running = [lanes.submit(work.run) for _ in range(min(threads, most or threads, len(waiting)))]
        try:
            wait(running)
        finally:  # interrupted, too: nothing may go on behind the caller's back
            waiting.clear()
            wait(running)
        for lane in running:
            lane.result()  # what is no Exception, such as an exit
    return work.results()


def by_image(function: Callable[..., Result], *batches: Tensor, most: int | None = None) -> list[Result]:
    """``function`` of ``[1,…]`` of each batch, image by image; batches are of equal length. See :func:`in_lanes`."""
    places = range(len(batches[0]))
    return in_lanes(lambda place: function(*(batch[place : place + 1] for batch in batches)), places, most)


def of_each(score: Callable[..., Tensor], images: Tensor, *others: Tensor) -> Tensor:
    """``score`` of tensors of equal length, joined along the first axis: on a CPU an image at a time, as by
    :func:`by_image`, elsewhere at once; without gradients, and of no image ``float64 [0]``."""
    import torch

    with torch.inference_mode():
        if images.device.type != "cpu":
            return score(images, *others).clone()
        parts = by_image(score, images, *others)
    return torch.cat(parts).clone() if parts else torch.empty(0, dtype=torch.float64)


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Kernels that the body calls run on its thread alone: the same bits, slowly, of code that may not run on lanes."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class _Work:
    """Pieces still to be done, and what became of the others."""

    def __init__(self, function: Callable[[Any], Any], waiting: deque[tuple[int, Any]], found: list[Any]) -> None:
        import torch

        self._function, self._waiting, self._found = function, waiting, found
        self._failed: dict[int, Exception] = {}
        self._modes = torch.is_inference_mode_enabled(), torch.is_grad_enabled()

    def run(self) -> None:
        """Take one after another, until none is left or one has failed; those before it are then in hand."""
        import torch

        inference, grad = self._modes
        with torch.inference_mode(inference), torch.set_grad_enabled(grad):
            while self._waiting:
                try:
                    place, item = self._waiting.popleft()
                except IndexError:  # another lane took it
                    return
                try:
                    self._found[place] = self._function(item)
                except Exception as error:  # noqa: BLE001 - told by whoever asked
                    self._failed[place] = error
                    self._waiting.clear()

    def results(self) -> list[Any]:
        for place in sorted(self._failed):
            raise self._failed[place]
        return self._found


class _Lane(threading.local):
    here = False


_lane = _Lane()
_making = threading.Lock()
_made: dict[int, ThreadPoolExecutor] = {}


def _lanes(count: int) -> ThreadPoolExecutor:
    """That many threads, begun once a process."""
    with _making:
        if count not in _made:
            _made.clear()
            _made[count] = _begun(count)
        return _made[count]


def _begun(count: int) -> ThreadPoolExecutor:
    import torch

    lanes = ThreadPoolExecutor(count, "vtbench-lane")
    there = threading.Barrier(count)
    wait([lanes.submit(partial(_become_lane, there)) for _ in range(count)])
    # What a lane sets is what torch gives threads that it has not met yet, too: say again what the others have.
    torch.set_num_threads(count)
    return lanes


def _become_lane(there: threading.Barrier) -> None:
    """On each of the new threads, since none begins the next before all are there."""
    import torch

    torch.get_num_threads()  # a thread's first question sets it to what the process has: before, not after
    torch.set_num_threads(1)
    _lane.here = True
    there.wait()


def _forget_after_fork() -> None:
    """A child process has no thread but the one that forked."""
    global _making
    _making = threading.Lock()
    _made.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
