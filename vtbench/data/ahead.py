"""Items made in a thread beside the one that uses them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from contextvars import copy_context
from typing import Generic, TypeVar

Item = TypeVar("Item")
_LOOK_S = 0.1
_TO_END_S = 5.0


def ahead(items: Iterator[Item], most: int) -> Generator[Item, None, None]:
    """The same items in the same order, of which up to ``most`` are made before they are asked for.

    What making one raises is raised where that one is asked for. Whoever ends early ends the thread with the item that
    it is at; a thread that does not come to an end is left behind, and ends with the process.

    Args:
        items: only touched by the thread from now on.
        most: that lie ready, at most.
    """
    thread = _Ahead(items, most)
    thread.start()
    try:
        yield from thread.taken()
    finally:
        thread.stop()


class _Ahead(threading.Thread, Generic[Item]):
    def __init__(self, items: Iterator[Item], most: int) -> None:
        super().__init__(daemon=True, name="vtbench-ahead")
        self._items = items
        self._made: queue.Queue[tuple[Item] | BaseException | None] = queue.Queue(most)
        self._context, self._stopped = copy_context(), threading.Event()

    def run(self) -> None:
        self._context.run(self._make)

    def taken(self) -> Iterator[Item]:
        while (made := self._made.get()) is not None:
            if isinstance(made, BaseException):
                raise made
            yield made[0]

    def stop(self) -> None:
        self._stopped.set()
        self.join(_TO_END_S)

    def _make(self) -> None:
        try:
            for item in self._items:
                if not self._put((item,)):
                    return
            self._put(None)
        except BaseException as error:  # noqa: BLE001 - raised where the item is asked for
            self._put(error)

    def _put(self, made: tuple[Item] | BaseException | None) -> bool:
        """Whether somebody is there still to take it."""
        while not self._stopped.is_set():
            try:
                self._made.put(made, timeout=_LOOK_S)
            except queue.Full:
                continue
            return True
        return False
