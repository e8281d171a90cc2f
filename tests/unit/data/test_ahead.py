"""Items made in another thread: all of them, in order, some ahead and no more; its errors and its end."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from vtbench.data.ahead import ahead


class Counter:
    """Numbers, and how many were made, and in which threads."""

    def __init__(self, count: int, fails_at: int | None = None) -> None:
        self.count, self.fails_at = count, fails_at
        self.made = 0
        self.threads: set[int] = set()

    def __iter__(self) -> Iterator[int]:
        for number in range(self.count):
            if number == self.fails_at:
                raise ValueError(f"no {number}")
            self.made += 1
            self.threads.add(threading.get_ident())
            yield number


def test_the_same_items_in_order_made_elsewhere() -> None:
    numbers = Counter(50)
    assert list(ahead(iter(numbers), 4)) == list(range(50))
    assert threading.get_ident() not in numbers.threads and len(numbers.threads) == 1


def test_so_many_lie_ready_and_no_more() -> None:
    numbers = Counter(50)
    items = ahead(iter(numbers), 4)
    assert next(items) == 0
    for _ in range(200):
        if numbers.made == 6:  # one taken, four ready, one in hand
            break
        threading.Event().wait(0.01)
    threading.Event().wait(0.05)
    assert numbers.made == 6
    items.close()


def test_what_making_one_raises_is_raised_in_its_place() -> None:
    found: list[int] = []
    with pytest.raises(ValueError, match="no 3"):
        found.extend(ahead(iter(Counter(9, fails_at=3)), 2))
    assert found == [0, 1, 2]


def test_whoever_ends_early_ends_the_thread() -> None:
    before = threading.active_count()
    items = ahead(iter(Counter(1000)), 2)
    next(items)
    assert threading.active_count() == before + 1
    items.close()
    assert threading.active_count() == before
