"""Sample ids: how rows without a name are numbered, and the check that ids are usable as keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, overload

from vtbench.core.contracts import ImageDataset
from vtbench.core.errors import UsageError

_SHOWN = 5
_AT_ONCE = 65_536


class PackedIds(Sequence[str]):
    """Ids in one Arrow array: a third of the memory of ten million Python strings. Immutable; pickles as it is."""

    def __init__(self, array: Any) -> None:
        self._array = array

    def __len__(self) -> int:
        return len(self._array)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...

    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, int):
            return str(self._array[index].as_py())
        start, stop, step = index.indices(len(self))
        if step != 1:
            return tuple(self[place] for place in range(start, stop, step))
        return PackedIds(self._array.slice(start, max(0, stop - start)))

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), _AT_ONCE):
            yield from self._array.slice(start, _AT_ONCE).to_pylist()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(map(str.__eq__, self, other))

    def __hash__(self) -> int:
        return hash(tuple(self))


def row_ids(count: int) -> tuple[str, ...]:
    """``00000000``, ``00000001`` …: eight digits whatever the count, so that ids do not move when rows are added."""
    return tuple(f"{row:08d}" for row in range(count))


def check_ids(dataset: ImageDataset) -> None:
    """Ids must be non-empty, distinct strings, one a sample: rows, seeds and resume are keyed by them.

    Raises:
        UsageError: names the ids at fault.
    """
    if len(dataset.ids) != len(dataset):
        raise UsageError(f"the data set has {len(dataset)} samples but {len(dataset.ids)} ids")
    wrong = [repr(name) for name in dataset.ids if not isinstance(name, str) or not name.strip()]
    if wrong:
        raise UsageError(f"{len(wrong)} sample ids are empty or not text: {_some(wrong)}", "give every sample an id")
    if _rise(dataset.ids):  # as most do: then none is repeated, and nothing has to be counted
        return
    repeated = [f"{name!r} ({count} times)" for name, count in Counter(dataset.ids).items() if count > 1]
    if repeated:
        raise UsageError(
            f"{len(repeated)} sample ids are not unique: {_some(repeated)}", "give every sample its own id"
        )


def _rise(ids: Iterable[str]) -> bool:
    return all(map(str.__lt__, ids, islice(ids, 1, None)))


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more
