"""A task's images stay with an evaluator: opened once, prepared once, and given to every model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TypeAlias

from vtbench.core.contracts import Prepared, SampleFailure
from vtbench.run.planning.generation_reference import GenerationReference
from vtbench.run.planning.given import GivenData
from vtbench.run.planning.jobs import TaskData
from vtbench.tasks import TaskSpec

Items: TypeAlias = "list[Prepared | SampleFailure]"
Span = tuple[int, int, int]
KEPT_BYTES = 2 << 30
"""Pixels of one task that are kept in memory; blocks beyond them are read again at each call."""


class Shelf:
    """Prepared blocks, as many as fit.

    Args:
        most_bytes: pixels that are kept, in bytes.
    """

    def __init__(self, most_bytes: int = KEPT_BYTES) -> None:
        self.blocks: dict[Span, Items] = {}
        self._room = most_bytes

    def keep(self, span: Span, items: Items) -> None:
        """Keep one block, if there is room for it."""
        size = sum(map(_bytes, items))
        if size <= self._room:
            self.blocks[span] = items
            self._room -= size


@dataclass(frozen=True, eq=False, kw_only=True)
class KeptTaskData(TaskData):
    """Images that are prepared once.

    Attributes:
        shelf: where those are that were.
    """

    shelf: Shelf = field(default_factory=Shelf)

    def arriving(
        self, spans: Sequence[Span], decoders: int, ready: Callable[[Prepared], Prepared] | None = None
    ) -> Iterator[tuple[int, Items]]:
        """The prepared samples of blocks, in order: those that are kept, and the others as they are read."""
        fresh = super().arriving([span for span in spans if span not in self.shelf.blocks], decoders, ready)
        for span in spans:
            if span in self.shelf.blocks:
                yield span[0], self.shelf.blocks[span]
                continue
            index, items = next(fresh)
            self.shelf.keep(span, items)
            yield index, items

    def pixels_of_first(self) -> int:
        """Of an image as it was prepared, once one was."""
        prepared = (item for items in self.shelf.blocks.values() for item in items if isinstance(item, Prepared))
        first = next(prepared, None)
        return super().pixels_of_first() if first is None else prod(first.reference.shape[1:])


@dataclass(frozen=True, eq=False)
class KeptData(GivenData):
    """What was given, opened once a task.

    Attributes:
        keep_bytes: pixels that are kept of each task's images.
    """

    keep_bytes: int = KEPT_BYTES
    opened: dict[str, TaskData] = field(default_factory=dict, init=False)
    found: dict[str, GenerationReference | None] = field(default_factory=dict, init=False)
    trained: dict[str, GenerationReference | None] = field(default_factory=dict, init=False)

    def images(self, task: TaskSpec) -> TaskData:
        """As :meth:`GivenData.images`, the same object each time."""
        if task.protocol_id not in self.opened:
            self.opened[task.protocol_id] = KeptTaskData(**vars(super().images(task)), shelf=Shelf(self.keep_bytes))
        return self.opened[task.protocol_id]

    def compared(self, task: TaskSpec) -> GenerationReference | None:
        """As :meth:`GivenData.compared`, the same object each time."""
        if task.protocol_id not in self.found:
            self.found[task.protocol_id] = super().compared(task)
        return self.found[task.protocol_id]

    def trained_on(self, task: TaskSpec) -> GenerationReference | None:
        """As :meth:`GivenData.trained_on`, the same object each time."""
        if task.protocol_id not in self.trained:
            self.trained[task.protocol_id] = super().trained_on(task)
        return self.trained[task.protocol_id]

    def forget(self) -> None:
        """Let all images go."""
        self.opened.clear()
        self.found.clear()
        self.trained.clear()


def _bytes(item: Prepared | SampleFailure) -> int:
    if isinstance(item, SampleFailure):
        return 0
    own = item.model_input.numel()
    return own if item.reference is item.model_input else own + item.reference.numel()
