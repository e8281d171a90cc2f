"""stdout carries data and nothing else, whatever a model, its C code or its child processes print."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

_STDOUT, _STDERR = 1, 2


@contextmanager
def data_on_stdout() -> Iterator[None]:
    """Within the body, ``sys.stdout`` alone reaches stdout: what writes to file descriptor 1 reaches stderr.

    Calls of foreign code find ``sys.stdout`` on stderr too. What is printed while the process ends goes there as well.
    """
    try:
        kept = os.dup(_STDOUT)
        os.fstat(_STDERR)
    except OSError:  # one of the two is closed: there is nothing to keep apart
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
            sys.stdout = sys.stdout or nowhere
            yield
        return
    before, own = sys.stdout, None
    sys.stdout.flush()
    if _is_on(_STDOUT):
        own = os.fdopen(os.dup(kept), "w", encoding=before.encoding, errors=before.errors, buffering=1)
        sys.stdout = own
    os.dup2(_STDERR, _STDOUT)
    try:
        yield
    finally:
        _flush(own or sys.stdout)
        sys.stdout = before
        os.dup2(kept, _STDOUT)
        os.close(kept)
        atexit.unregister(_leave)
        atexit.register(_leave)  # registered last, so the first to run


def _flush(stream: TextIO) -> None:
    """What is left goes nowhere once its reader is gone, so that closing the stream has nothing to complain of."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _is_on(descriptor: int) -> bool:
    try:
        return sys.stdout.fileno() == descriptor
    except (OSError, ValueError):  # a stream in memory, as a test has it
        return False


def _leave() -> None:
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        os.dup2(_STDERR, _STDOUT)
        sys.stdout = sys.stderr
