"""The situations stand on this: the quick task measures what it should."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_copies_are_perfect_and_halves_are_not(vt: Callable[..., Any], images: Callable[..., Any]) -> None:
    images("d", 4)
    done = vt("run", "--task", "quick.yaml", "--data", "d", "-t", "identity", "-t", "resize,factor=2", "--json")
    assert done.code == 0, done.err
    assert done.value("mae") == 0.0 and done.value("mae", row=1) > 1.0


def test_an_unknown_name_is_a_usage_error(vt: Callable[..., Any]) -> None:
    done = vt("run", "--task", "quick.yaml", "--data", "d", "-t", "identitty")
    assert done.code == 2 and "did you mean identity" in done.err and done.out == ""
