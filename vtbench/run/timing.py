"""How long something was waited for, and how long something took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import torch

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


@dataclass(frozen=True, eq=False)
class Span:
    """From one moment of :func:`now` to another."""

    start: Any
    end: Any

    @property
    def seconds(self) -> float:
        """How long it was. Of a device's own moments, once its work until then is known to be done."""
        if isinstance(self.start, float):
            return float(self.end - self.start)
        return float(self.start.elapsed_time(self.end)) / 1000


def now(device: torch.device) -> Any:
    """This moment in the work of a device, which is not waited for: what was asked of it before is done then."""
    if device.type != "cuda":
        return time.perf_counter()
    event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    event.record(torch.cuda.current_stream(device))
    return event
