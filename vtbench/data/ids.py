"""Sample ids: how rows without a name are numbered, and the check that ids are usable as keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from vtbench.core.contracts import ImageDataset
from vtbench.core.errors import UsageError

_SHOWN = 5


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
    repeated = [f"{name!r} ({count} times)" for name, count in Counter(dataset.ids).items() if count > 1]
    if repeated:
        raise UsageError(
            f"{len(repeated)} sample ids are not unique: {_some(repeated)}", "give every sample its own id"
        )


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more
