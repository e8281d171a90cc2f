"""Published sizes of a network by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn, TypeVar

from vtbench.core.errors import UsageError

Size = TypeVar("Size")


class Sizes(dict[str, Size]):
    """A table of sizes by name. Looking up a name that is not there raises ``UsageError`` with those that are.

    Args:
        family: named in the message.
        table: the sizes.
    """

    def __init__(self, family: str, table: Mapping[str, Size]) -> None:
        super().__init__(table)
        self._family = family

    def __missing__(self, name: str) -> NoReturn:
        raise UsageError(f"{self._family} has no size {name!r}", f"one of {', '.join(self)}")
