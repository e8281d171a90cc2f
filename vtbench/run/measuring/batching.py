"""Batches that survive: halved when memory runs out, taken one sample at a time when one of them raises."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import torch

from vtbench.core.errors import AdapterError, StorageFullError, UnwritableError

Item = TypeVar("Item")
Result = TypeVar("Result")
_OF_NO_SAMPLE = (AdapterError, StorageFullError, UnwritableError)
_OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "STATUS_ALLOC_FAILED")


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out: of the device or the host, by torch's own class or by its words.

    The CPU allocator, cuDNN and cuBLAS raise plain ``RuntimeError``.
    """
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _OUT_OF_MEMORY)


def of_one_shape(shape: Callable[[Item], Any]) -> Callable[[Sequence[Item], int], list[Item]]:
    """A ``cut`` of :class:`CarefulBatches`: the first pending items that share what ``shape`` gives."""

    def cut(pending: Sequence[Item], most: int) -> list[Item]:
        return list(itertools.takewhile(lambda item: shape(item) == shape(pending[0]), pending[:most]))

    return cut


@dataclass(eq=False)
class CarefulBatches(Generic[Item, Result]):
    """Runs items in order, so that only those at fault become failures.

    A batch that does not fit in memory is halved, for the rest of the run too. A batch that raises is tried again one
    item at a time. An :class:`AdapterError` is the model's fault and is passed on, and so is a disk
    that takes no more.

    Attributes:
        name: what messages call the model.
        batch_size: most items a call; lowered when memory runs out.
        cut: the items of the next batch, from those pending and the most allowed.
        failed: the result of an item that raised by itself.
    """

    name: str
    batch_size: int
    cut: Callable[[Sequence[Item], int], list[Item]]
    failed: Callable[[Item, Exception], Result]
    _events: list[str] = field(default_factory=list)

    def over(self, items: Sequence[Item], run: Callable[[list[Item]], Result]) -> Iterator[Result]:
        """Results that together cover ``items`` in order.

        Args:
            items: what is run.
            run: one call of the model. It is not kept: whoever keeps both it and this would be a circle of references,
                in which a model outlives its job.
        """
        pending = list(items)
        while pending:
            batch = self.cut(pending, self.batch_size)
            try:
                result = run(batch)
            except _OF_NO_SAMPLE:
                raise
            except Exception as error:  # noqa: BLE001 - a model may fail in any way on one image
                if out_of_memory(error):
                    self._halve(len(batch), error)
                    continue
                yield from self._one_by_one(batch, run, error)
            else:
                yield result
            del pending[: len(batch)]

    def take_events(self) -> tuple[str, ...]:
        """What happened since this was asked last."""
        told = tuple(self._events)
        self._events.clear()
        return told

    def _one_by_one(self, batch: list[Item], run: Callable[[list[Item]], Result], error: Exception) -> Iterator[Result]:
        if len(batch) == 1:
            yield self.failed(batch[0], error)
            return
        for item in batch:
            try:
                yield run([item])
            except _OF_NO_SAMPLE:
                raise
            except Exception as alone:  # noqa: BLE001 - recorded as this sample's failure
                yield self.failed(item, alone)

    def _halve(self, size: int, error: BaseException) -> None:
        if size <= 1:
            raise AdapterError(
                f"{self.name} does not fit in memory with one image: {error}",
                "use a larger device, --dtype bfloat16, or a smaller task",
            ) from error
        self.batch_size = size // 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        self._events.append(f"out of memory: batch size {size} -> {self.batch_size}")
