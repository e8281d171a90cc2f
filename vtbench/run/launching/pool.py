"""Blocks to whichever worker is free: those of a lost or a slow one go to others, and each is taken once.

The pool knows no engine. A thread a worker asks it and waits; what comes back is taken in the caller's own thread.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from vtbench.core.errors import VtbenchError
from vtbench.core.foreign import interrupts
from vtbench.run.executing.job import Prepared
from vtbench.run.launching.block_server import Delivery

ATTEMPTS = 3
"""Workers that may be lost with one block in hand, and times that one worker is made anew, before a run gives up."""
_MOST_AT_ONCE = 16
_LOOK_S = 0.5
_SLOW = 3.0
"""A block is slow when it takes this many times as long as blocks took so far."""


class WorkerLostError(VtbenchError):
    """A worker is gone: its machine, its process, or the way there."""


class Remote(Protocol):
    """A :class:`~vtbench.run.launching.block_server.BlockServer` somewhere else; its methods raise
    :class:`WorkerLostError` when it is gone."""

    def prepare(self, key: str) -> tuple[Prepared, Delivery]:
        """See the server."""

    def measure(self, key: str, indices: Sequence[int], events: Mapping[int, str]) -> Iterator[tuple[int, Delivery]]:
        """See the server."""

    def end(self) -> None:
        """Stop it, whatever it does."""


@dataclass(eq=False)
class _Lane:
    """A worker and what it is at."""

    number: int
    remote: Remote
    key: str | None = None
    in_hand: list[int] = field(default_factory=list)
    since: float = 0.0
    made: int = 1

    @property
    def busy(self) -> bool:
        """Whether it was asked for blocks of a job, be it one that is over."""
        return self.key is not None

    def free(self) -> None:
        """It has nothing to do."""
        self.key, self.in_hand = None, []


@dataclass(frozen=True, eq=False)
class _Event:
    """What a worker gave while it was asked for blocks of a job: one of them, an error, or ``None`` at the end."""

    lane: _Lane
    remote: Remote
    key: str
    found: tuple[int, Delivery] | Exception | None


class Pool:
    """Workers that measure blocks of one job after another.

    Args:
        make: one worker by its number; called again where it was lost.
        count: of them.
        note: what is told while they work.
    """

    def __init__(self, make: Callable[[int], Remote], count: int, note: Callable[[str], None]) -> None:
        self._make, self._note = make, note
        self._lanes = [_Lane(number, make(number)) for number in range(count)]
        self._events: queue.Queue[_Event] = queue.Queue()

    def prepare(self, key: str) -> tuple[Prepared, Delivery]:
        """What one of the workers prepares for all.

        Raises:
            VtbenchError: it cannot, or too many were lost.
        """
        while True:
            lane = next((lane for lane in self._lanes if not lane.busy), self._lanes[0])
            try:
                return lane.remote.prepare(key)
            except WorkerLostError as error:
                self._replace(lane, error)

    def measure(self, key: str, indices: Sequence[int]) -> Iterator[tuple[int, Delivery]]:
        """Every block of a job, each once, in the order in which they are done.

        Raises:
            VtbenchError: a block failed, or took too many workers with it.
        """
        work = _Work(key, self._lanes, indices, self._note)
        while work.left:
            for lane in [lane for lane in self._lanes if not lane.busy]:
                if chunk := work.next_for_a_free_one():
                    self._ask(lane, key, chunk, work.told_of(chunk))
            event = self._next()
            if event is None:
                continue
            lane, found = event.lane, event.found
            if isinstance(found, WorkerLostError):
                work.lost(lane, found)
                self._replace(lane, found)
            elif not isinstance(found, tuple):
                lane.free()
                if found is not None and event.key == key:
                    raise found
            elif event.key == key and work.is_new(lane, found[0]):
                yield found

    def end(self) -> None:
        """Stop every worker."""
        for lane in self._lanes:
            lane.remote.end()

    def _ask(self, lane: _Lane, key: str, chunk: Sequence[int], events: Mapping[int, str]) -> None:
        lane.key, lane.in_hand, lane.since = key, list(chunk), time.monotonic()
        asked = (lane, lane.remote, key, tuple(chunk), events)
        threading.Thread(target=self._listen, args=asked, daemon=True).start()

    def _listen(self, lane: _Lane, remote: Remote, key: str, chunk: Sequence[int], events: Mapping[int, str]) -> None:
        last: Exception | None = None
        try:
            for found in remote.measure(key, chunk, events):
                self._events.put(_Event(lane, remote, key, found))
        except Exception as error:  # noqa: BLE001 - raised where blocks are asked for
            last = error
        self._events.put(_Event(lane, remote, key, last))

    def _next(self) -> _Event | None:
        """What has come, after a moment at most, of a worker that is not lost. A signal is heeded meanwhile."""
        interrupts.between()
        try:
            event = self._events.get(timeout=_LOOK_S)
        except queue.Empty:
            return None
        return event if event.remote is event.lane.remote else None

    def _replace(self, lane: _Lane, error: WorkerLostError) -> None:
        """A new worker in the place of a lost one.

        Raises:
            VtbenchError: it was lost too often.
        """
        if lane.made > ATTEMPTS:
            raise VtbenchError(f"worker {lane.number} was lost {lane.made} times; the last: {error.what}", error.hint)
        self._note(f"worker {lane.number} is lost ({error.what}): another takes its place")
        lane.remote.end()
        lane.remote, lane.made = self._make(lane.number), lane.made + 1
        lane.free()


class _Work:
    """The blocks of one job that are not delivered yet, and who is at which.

    Args:
        key: of the job.
        lanes: the workers.
        indices: of its blocks.
        note: what is told.

    Attributes:
        left: blocks that are not delivered.
    """

    def __init__(self, key: str, lanes: Sequence[_Lane], indices: Sequence[int], note: Callable[[str], None]) -> None:
        self._key, self._lanes, self._note = key, lanes, note
        self._waiting, self.left = deque(indices), set(indices)
        self._lost: dict[int, list[str]] = {}
        self._took: list[float] = []

    def next_for_a_free_one(self) -> list[int]:
        """What a free worker does next: fewer blocks at a time the fewer are left; in the end what a slow one has.

        A block that a worker was lost with is asked for alone: a worker begins with the next one while it writes one,
        so that it may have been that.
        """
        size = max(1, min(_MOST_AT_ONCE, len(self._waiting) // (2 * len(self._lanes))))
        size = 1 if self._waiting and self._waiting[0] in self._lost else size
        chunk = [self._waiting.popleft() for _ in range(min(size, len(self._waiting)))]
        return chunk or self._of_a_slow_one()

    def told_of(self, chunk: Sequence[int]) -> dict[int, str]:
        """What happened to blocks before, by their index."""
        return {block: "; ".join(self._lost[block]) for block in chunk if block in self._lost}

    def is_new(self, lane: _Lane, block: int) -> bool:
        """Note a delivery; whether it is the first of that block."""
        self._took.append(time.monotonic() - lane.since)
        lane.in_hand, lane.since = [one for one in lane.in_hand if one != block], time.monotonic()
        new = block in self.left
        self.left.discard(block)
        return new

    def lost(self, lane: _Lane, error: WorkerLostError) -> None:
        """Give back the blocks that a lost worker had and that nobody else has; the first of them was in hand.

        Raises:
            VtbenchError: too many were lost with it.
        """
        had = [block for block in lane.in_hand if block in self.left and lane.key == self._key]
        lane.free()
        if had:
            told = self._lost.setdefault(had[0], [])
            told.append(f"worker {lane.number} was lost with it: {error.what}")
            if len(told) >= ATTEMPTS:
                raise VtbenchError(
                    f"block {had[0]} took {len(told)} workers with it; the last: {error.what}",
                    "blocks that are done are kept; more memory a worker or a smaller --batch-size may help",
                )
        self._waiting.extendleft(reversed([block for block in had if not self._holders(block)]))

    def _of_a_slow_one(self) -> list[int]:
        """The last block that a slow worker has, unless another does it already."""
        usual = sorted(self._took)[len(self._took) // 2] if self._took else float("inf")
        for lane in sorted(self._at_work(), key=lambda lane: lane.since):
            had = [block for block in lane.in_hand if block in self.left]
            is_slow = time.monotonic() - lane.since > _SLOW * max(usual, _LOOK_S)
            if had and is_slow and self._holders(had[-1]) == 1:
                self._note(f"worker {lane.number} is slow: block {had[-1]} goes to another as well")
                return [had[-1]]
        return []

    def _holders(self, block: int) -> int:
        return sum(block in lane.in_hand for lane in self._at_work())

    def _at_work(self) -> list[_Lane]:
        return [lane for lane in self._lanes if lane.key == self._key]
