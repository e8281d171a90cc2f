"""stdout and stderr as somebody else's code is lent them: it may write to them, and closes nobody else's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, TextIO

_STDOUT, _STDERR = 1, 2
_MOST_KEPT = 8


class _Lent:
    """A stream whose closing is nobody's end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def close(self) -> None:
        """Nothing: others write on."""
        with suppress(OSError, ValueError):
            self._stream.flush()

    def detach(self) -> Any:
        """Nothing to take away; the raw stream, as elsewhere."""
        return self._stream.buffer

    def __enter__(self) -> _Lent:
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __iter__(self) -> Any:
        return iter(self._stream)


def lent(stream: Any) -> Any:
    """A text stream to give away; ``None``, where there is none, and what was lent already as they are."""
    return stream if stream is None or isinstance(stream, _Lent) else _Lent(stream)


_kept: dict[tuple[int, int, int], int] = {}
"""A duplicate of each descriptor by its number and by where it leads."""


def leads_to() -> list[tuple[int, int, int] | None]:
    """Where file descriptors 1 and 2 lead, ``None`` for one that is closed. A duplicate of each is kept."""
    return [_place(number) for number in (_STDOUT, _STDERR)]


def lead_back(before: Sequence[tuple[int, int, int] | None]) -> None:
    """Descriptors that a call closed, and that any file opened since may have been given, lead where they did."""
    for number, place in zip((_STDOUT, _STDERR), before, strict=True):
        if place in _kept and _place(number) != place:
            os.dup2(_kept[place], number)


def _place(number: int) -> tuple[int, int, int] | None:
    try:
        found = os.fstat(number)
    except OSError:
        return None
    place = (number, found.st_dev, found.st_ino)
    if place not in _kept:
        while len(_kept) >= _MOST_KEPT:
            os.close(_kept.pop(next(iter(_kept))))
        _kept[place] = os.dup(number)
    return place
