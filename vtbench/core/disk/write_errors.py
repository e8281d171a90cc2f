"""What a file system says when something cannot be written, as an error that names the path and what to do."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vtbench.core.errors import StorageFullError, UnwritableError, VtbenchError

_GO_ON = "give the same command again: what is finished is kept"
_NO_ROOM = {
    errno.ENOSPC: f"make room on that disk (blocks or inodes: df -h, df -i), then {_GO_ON}",
    errno.EDQUOT: f"your quota there is used up: make room or have it raised, then {_GO_ON}",
    errno.EFBIG: f"a limit on the size of files is reached: raise it (ulimit -f) or make room, then {_GO_ON}",
}
_OF_THE_MACHINE = {
    errno.EMFILE: f"too many files are open at once: raise the limit (ulimit -n) or lower --workers, then {_GO_ON}",
    errno.ENFILE: f"the machine has too many files open at once: end what else runs, then {_GO_ON}",
    errno.EIO: f"the disk or its connection fails: see to it, then {_GO_ON}",
    errno.ESTALE: f"the folder was taken away by its server: see that it is mounted, then {_GO_ON}",
}
_OF_THE_PATH = {
    errno.EROFS: "is on a read-only file system",
    errno.ENAMETOOLONG: "is too long a name for its file system",
    errno.EISDIR: "is a folder",
}
_ELSEWHERE = "give a path that can be written"
_TOLD_IN_WORDS = re.compile(r"\(os error (\d+)\)")


@contextmanager
def writing(path: Path, hint: str | None = None) -> Iterator[None]:
    """What the system says while ``path`` is made or written, as an expected error that names it.

    Args:
        hint: what to do about a path that is at fault itself; the other faults have hints of their own.

    Raises:
        UnwritableError: it cannot be made or written there.
        StorageFullError: there is no room for it.
        VtbenchError: the machine fails: too many open files, a broken disk.
    """
    try:
        yield
    except VtbenchError:
        raise
    except Exception as error:
        number = system_error(error)
        if _is_elsewhere(error, path) or not (number or isinstance(error, OSError)):
            raise
        raise unwritten(path, error, hint) from error


def unwritten(path: Path, error: Exception, hint: str | None = None) -> VtbenchError:
    """The error for a path that could not be written, by what the system said."""
    number = system_error(error)
    why = os.strerror(number) if number else str(error)
    if number in _NO_ROOM:
        return StorageFullError(f"{path} cannot be written: {why}", _NO_ROOM[number])
    if number in _OF_THE_MACHINE:
        return VtbenchError(f"{path} cannot be written: {why}", _OF_THE_MACHINE[number])
    told = _OF_THE_PATH.get(number, f"cannot be written: {why}")
    if number in (errno.EEXIST, errno.ENOTDIR):
        told = _file_in_the_way(path, told)
    return UnwritableError(f"{path} {told}", hint or _ELSEWHERE)


def system_error(error: Exception) -> int:
    """The number of the system's error, 0 where it is none; libraries in Rust tell it in words alone."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    told = _TOLD_IN_WORDS.search(str(error))
    return int(told.group(1)) if told else 0


def _file_in_the_way(path: Path, otherwise: str) -> str:
    """A folder cannot be made where a file is, nor below one."""
    try:
        if path.is_file():
            return "is a file"
        above = next((place for place in path.parents if place.is_file()), None)
    except OSError:
        return otherwise
    return otherwise if above is None else f"cannot be made: {above} is a file"


def _is_elsewhere(error: Exception, path: Path) -> bool:
    """Whether the system speaks of a file that has nothing to do with ``path``: one that is read, say."""
    name = getattr(error, "filename", None)
    if not isinstance(name, (str, Path)):
        return False
    named, place = Path(name).absolute(), path.absolute()
    return named not in (place, *place.parents) and named.parent not in (place, place.parent)
