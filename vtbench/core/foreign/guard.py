"""Every call into code that may not be ours goes through :class:`foreign`, so that it harms nobody but itself.

The rule is that each call begins from the standard state. Whatever it leaves changed (torch's default dtype, the
current directory, a warning filter …) is put back before anyone else runs, so that a number does not depend on what
ran before it. What it prints goes to stderr: stdout carries data. Only vtbench ends the process.
"""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
from pathlib import Path
from types import TracebackType
from typing import Any

from vtbench.core.errors import ForeignCodeError, VtbenchError
from vtbench.core.foreign import interrupts, read_files
from vtbench.core.foreign.lent_streams import lent
from vtbench.core.foreign.process_state import PROCESS, Saved, restore, save
from vtbench.core.foreign.torch_state import TORCH, restore_streams, save_streams, seed_streams

_SETTINGS = (*PROCESS, *TORCH)
_LONGEST = 300
_PACKAGE = str(Path(__file__).resolve().parents[2]) + os.sep
_LIBRARIES = tuple({sysconfig.get_path(name) + os.sep for name in ("stdlib", "purelib", "platlib")})


class foreign:  # noqa: N801 - read as a word: ``with foreign("./mine.py:T"):``
    """A context around calls of one model, metric, reader or data set.

    It takes 0.15 ms. Of the exceptions that come out, those that would end the process (``SystemExit`` and the like)
    become :class:`ForeignCodeError`; ``Exception`` and what Ctrl-C and SIGTERM raise pass as they are. Where vtbench
    answers Ctrl-C, a ``KeyboardInterrupt`` is the code's own.

    Args:
        name: whose code it is, for messages.
        seed: where the global random streams of Python, NumPy and torch start; as they stand unless given.
    """

    __slots__ = ("_hears", "_name", "_saved", "_seed", "_streams")

    def __init__(self, name: str, seed: int | None = None) -> None:
        self._name, self._seed = name, seed

    def __enter__(self) -> None:
        read_files.watch()
        self._saved: Saved = save(_SETTINGS)
        self._streams: list[Any] = save_streams()
        if self._seed is not None:
            seed_streams(self._seed)
        sys.stdout = sys.stderr = lent(sys.stderr)
        sys.argv = sys.argv[:1]  # a model's own argparse must not read the options of vtbench

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hears = interrupts.answers()
        restore(self._saved)
        restore_streams(self._streams)
        if isinstance(error, interrupts.Interrupted) or (isinstance(error, KeyboardInterrupt) and not self._hears):
            return
        interrupts.raise_if_asked()  # a bare ``except:`` may have swallowed it
        if error is not None and not isinstance(error, Exception):
            raise ForeignCodeError(f"{self._name} {_ending(error)}", advice(error)) from error


class making(foreign):  # noqa: N801 - as above
    """:class:`foreign` around imports and constructors: whatever comes out is told as the failure of that one thing."""

    __slots__ = ()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if isinstance(error, Exception) and not isinstance(error, VtbenchError):
            raise ForeignCodeError(f"{self._name}: {told(error)}", advice(error)) from error


def told(error: BaseException) -> str:
    """Type and message in one line, whatever the message is made of."""
    try:
        text = " ".join(str(error).split())
    except Exception as fault:  # noqa: BLE001 - an exception of somebody else's may fail even at that
        text = f"(its message cannot be shown: {type(fault).__name__})"
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def advice(error: BaseException) -> str:
    """Where in the user's code an error arose, and how to see all of it."""
    place = where(error)
    return f"{place}; --debug shows the traceback" if place else "--debug shows the traceback"


def where(error: BaseException) -> str:
    """``at FILE:LINE`` of the innermost code that is neither ours nor a library's; empty where there is none."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"at {_short(error.filename)}:{error.lineno}"
    found, step = "", error.__traceback__
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        if not file.startswith((_PACKAGE, *_LIBRARIES, "<frozen")):
            line = linecache.getline(file, step.tb_lineno).strip()
            found = f"at {_short(file)}:{step.tb_lineno}" + (f" ({line})" if line else "")
        step = step.tb_next
    return found


def _ending(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"called sys.exit({error.code!r})"
    return f"raised {told(error)}"


def _short(file: str) -> str:
    try:
        return str(Path(file).relative_to(Path.cwd()))
    except (ValueError, OSError):  # elsewhere, or the working folder is gone
        return file
