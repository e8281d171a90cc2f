"""Imports on demand in somebody else's process: a library that draws a random number when it is imported, or adds a
filter of warnings, would change what comes after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vtbench.core.foreign.process_state import PROCESS, restore, save
from vtbench.core.foreign.torch_state import TORCH, restore_streams, save_streams


@contextmanager
def imports_apart() -> Iterator[None]:
    """Run imports; settings and random streams of libraries that were there before are as they were."""
    saved, streams = save((*PROCESS, *TORCH)), save_streams()
    try:
        yield
    finally:
        restore(saved)
        restore_streams(streams)
