"""A clock and a gauge of memory around calls of a model."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch

from vtbench.run.device import peak_memory_mb, synchronize

_FORGET = Path("/proc/self/clear_refs")
_PEAK_OF_RESIDENT_SET = "5"
"""What the kernel is told to forget: see proc(5)."""


@dataclass(eq=False)
class Watch:
    """Milliseconds and MiB by call.

    The device is waited for before either clock is read. Memory is the peak during the call: what torch had
    allocated on a GPU, weights included; on a CPU the resident set of the whole process, interpreter and libraries
    included, where the kernel can be told to begin anew (Linux), and NaN elsewhere.
    """

    device: torch.device
    columns: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        """Around one call, named ``encode`` or ``decode``."""
        synchronize(self.device)
        known = _forget_peak(self.device)
        started = time.perf_counter()
        yield
        synchronize(self.device)
        self.columns[f"{part}_ms"] = 1000.0 * (time.perf_counter() - started)
        self.columns[f"{part}_peak_mb"] = peak_memory_mb(self.device) if known else math.nan


def _forget_peak(device: torch.device) -> bool:
    """Begin the peak anew; whether that could be done."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return True
    try:
        _FORGET.write_text(_PEAK_OF_RESIDENT_SET, encoding="ascii")
    except OSError:
        return False
    return True
