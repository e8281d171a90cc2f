"""How long something was waited for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TypeVar

T = TypeVar("T")


def waited(items: Iterator[T]) -> Iterator[tuple[float, T]]:
    """Each item with the seconds spent waiting for it."""
    while True:
        started = time.perf_counter()
        try:
            item = next(items)
        except StopIteration:
            return
        yield time.perf_counter() - started, item
