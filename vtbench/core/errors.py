"""Errors a person is expected to meet. Each says what went wrong, where, and what to do next.

The command line prints these as one or two lines and exits with ``exit_code``; anything else is a bug and keeps its
traceback.
"""

from __future__ import annotations

import re
from pathlib import Path

_LONGEST = 4000
_BREAK = re.compile(r"\r\n?|\n(?!  )|[\x0b\x0c\x85\u2028\u2029]")
"""Of lines; but for those that vtbench joins itself, which it indents."""


class VtbenchError(Exception):
    """Base of every expected error.

    Args:
        what: what went wrong and where (a path, a name, a sample id); of more than 4000 characters, which a name out of
            a damaged file may have, the middle is left out. A line break inside such a name becomes a space.
        hint: what to do next; printed on a line of its own.
    """

    exit_code = 1

    def __init__(self, what: str, hint: str | None = None) -> None:
        if len(what) > _LONGEST:
            what = f"{what[: _LONGEST * 3 // 4]} … {what[-_LONGEST // 5 :]}"
        what = _BREAK.sub(" ", what)
        super().__init__(what, hint)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return self.what if self.hint is None else f"{self.what}\n  {self.hint}"


class UsageError(VtbenchError):
    """An unknown name, a wrong argument, a malformed task: nothing was run."""

    exit_code = 2


class UnwritableError(UsageError):
    """A file or folder cannot be made or written where it was asked for."""


class StorageFullError(VtbenchError):
    """The disk, a quota or a limit on file sizes is full: nothing more can be kept, by this job or another."""


class NotComparableError(VtbenchError):
    """Two results were measured under different protocols or on different data."""

    exit_code = 3


class AssetMissingError(VtbenchError):
    """A weight file or an optional package cannot be had on this machine."""

    exit_code = 4


class DamagedFileError(VtbenchError):
    """A file that vtbench wrote itself cannot be read any more: cut, emptied, overwritten.

    Args:
        path: the file. What made it makes it again once it is gone.
        why: what is wrong with it.
        hint: the repair that works.
    """

    def __init__(self, path: Path, why: str, hint: str | None = None) -> None:
        super().__init__(f"{path} {why}", hint)
        self.path = path


class AdapterError(VtbenchError):
    """A model broke its contract: wrong shape, dtype, codes out of bounds."""


class ForeignCodeError(AdapterError):
    """Code that is not vtbench's could not be imported or made, or tried to end the process. It harms only itself."""


class SampleError(VtbenchError):
    """One sample cannot be used. It becomes a recorded failure; the run goes on unless it is strict."""


class MissingImageError(SampleError):
    """An image that somebody else was to leave is not there, though nothing went wrong in making it."""


class UnreadableConditionError(SampleError):
    """An image that a condition names cannot be read: no fault of the generator."""
