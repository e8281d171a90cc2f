"""Files that somebody else's code opens for reading: they decide its values, wherever it has their names from.

Arguments, constants and tensors tell most of them beforehand. A checkpoint found by a pattern, a helper run by
:mod:`runpy` or a setting that is read at the first call is known only by watching. Python reports what is opened by
Python's own means; files that a library opens in C are not seen.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import source_from_cache
from pathlib import Path
from types import FrameType
from typing import Any

from vtbench.core.digests import digest_file
from vtbench.core.sources import installed
from vtbench.core.sources.installed import is_installed, owner

_NEIGHBOURS = str(Path(installed.__file__).with_name("neighbours.py"))
_SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/")
_WRITING = os.O_WRONLY | os.O_RDWR


class _Seen:
    """What was heard in this process."""

    hooked = False
    deaf = 0
    since: float | None = None
    readers: dict[str, set[str]] = {}  # noqa: RUF012 - one for the process
    named: set[str] = set()  # noqa: RUF012
    digests: dict[str, str] = {}  # noqa: RUF012


def begin() -> None:
    """What is made from now on is no input, until this is said again."""
    watch()
    if not _Seen.deaf:
        _Seen.since = time.time()


def watch() -> None:
    """Hear of files from now on; a process does so to its end."""
    if _Seen.deaf:
        return
    if _Seen.since is None:
        _Seen.since = time.time()
    if not _Seen.hooked:
        _Seen.hooked = True
        sys.addaudithook(_heard)


@contextmanager
def within(listening: bool) -> Iterator[None]:
    """Run the body in a process that is somebody else's, and forget afterwards what was heard in it.

    A hook stays in a process; outside the body it hears nothing then, and keeps nothing.

    Args:
        listening: whether files are heard of at all: where nothing is kept, no file can decide whether it stands.
    """
    before = (_Seen.since, _Seen.readers, _Seen.named, _Seen.digests)
    _Seen.since, _Seen.readers, _Seen.named, _Seen.digests = None, {}, set(), {}
    _Seen.deaf += not listening
    try:
        yield
    finally:
        _Seen.deaf -= not listening
        _Seen.since, _Seen.readers, _Seen.named, _Seen.digests = before


def known(paths: Collection[Path]) -> None:
    """Files and folders that are told by other means: they are arguments, of this model or of another."""
    _Seen.named.update(str(path.expanduser().resolve()) for path in paths)


def read_by(sources: Collection[str], apart: Path) -> dict[str, str]:
    """SHA-256 of the files that code has read so far, by their paths.

    What was made since :func:`begin` is no input of it and left out; so is what is known by other means.

    Args:
        sources: files of the code.
        apart: a folder whose files do not count: the one that is written to.
    """
    mine = [path for path, readers in list(_Seen.readers.items()) if not readers.isdisjoint(sources)]
    skipped = {*_Seen.named, str(apart.resolve())}
    counted = [path for path in sorted(mine) if _counts(path) and not _is_below(path, skipped)]
    return {path: _digest(path) for path in counted}


def changed(before: Mapping[str, str]) -> str | None:
    """The first of these files that is not there any more as it was; ``None`` where all are."""
    for path, digest in before.items():
        try:
            if digest_file(Path(path)) != digest:
                return path
        except OSError:
            return path
    return None


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or _Seen.since is None or not isinstance(arguments[0], str | bytes):
        return
    if isinstance(arguments[2], int) and arguments[2] & _WRITING:
        return
    readers = _foreign_callers(sys._getframe(1))
    if readers:
        path = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100 - for every file: a Path takes ten times as long
        if path.endswith(".pyc"):  # of a helper that was compiled before, its source is not opened
            path = _source_of(path)
        _Seen.readers.setdefault(path, set()).update(readers)
        _Seen.digests.pop(path, None)  # it may be another by now


def _source_of(compiled: str) -> str:
    try:
        return source_from_cache(compiled)
    except (ValueError, NotImplementedError):  # not where such files lie
        return compiled


def _foreign_callers(frame: FrameType | None) -> list[str]:
    """Somebody else's sources on the way to this call, as far as the innermost call of ours."""
    found = []
    while frame is not None:
        whose = _whose(frame.f_code.co_filename)
        if whose == "vtbench":
            break
        if whose == "foreign":
            found.append(frame.f_code.co_filename)
        frame = frame.f_back
    return found


@lru_cache(maxsize=65536)
def _whose(file: str) -> str:
    if file.startswith("<") or file == _NEIGHBOURS:  # which imports on behalf of others
        return "standard"
    return owner(file)


def _counts(path: str) -> bool:
    if path.startswith(_SYSTEM) or "/__pycache__/" in path or is_installed(path) or owner(path) == "standard":
        return False
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_mtime < (_Seen.since or 0)


def _is_below(path: str, folders: Collection[str]) -> bool:
    real = os.path.realpath(path)
    return any(real == folder or real.startswith(f"{folder}/") for folder in folders)


def _digest(path: str) -> str:
    if path not in _Seen.digests:
        _Seen.digests[path] = digest_file(Path(path))
    return _Seen.digests[path]
