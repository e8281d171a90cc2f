"""Blocks are written in a thread beside the one that measures: one at a time, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial

from vtbench.core.foreign import interrupts
from vtbench.run.storing.blocks import Block, BlockResult

Measured = tuple[Block, Callable[[], BlockResult]]
"""A block of which everything was asked, and what gives its result when the device is done."""


def at_once(block: Block, result: BlockResult) -> Measured:
    """A block whose result is there already."""
    return block, partial(_same, result)


def _same(result: BlockResult) -> BlockResult:
    return result


def written(handed: Iterator[tuple[Block, Callable[[], None]]]) -> Iterator[Block]:
    """Each block once it is written, which is while the next is measured.

    What writing one raises is raised before another is written. Whoever ends early, by a signal or an error, leaves
    no block half-handed: the one in flight is written first. A scheduler's notice is heeded between two blocks.

    Args:
        handed: blocks as they are measured, each with what writes it.
    """
    with ThreadPoolExecutor(1, "vtbench-writing") as thread:
        before: tuple[Block, Future[None]] | None = None
        for block, write in handed:
            if before is not None:
                before[1].result()
            now = block, thread.submit(copy_context().run, write)
            interrupts.between()
            if before is not None:
                yield before[0]
            before = now
        if before is not None:
            before[1].result()
            yield before[0]
