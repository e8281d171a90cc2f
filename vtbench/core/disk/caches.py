"""The user's cache is optional: where it cannot be used, the work that it saves is done again, and that is told once.

What is kept lies below :func:`vtbench.core.disk.files.cache_dir`. Reading it never fails a run: what cannot be read is
not there. What must be written goes to :func:`kept_in`, which for a cache that is read-only, full, or no folder is one
that lasts as long as this process.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from vtbench.core.disk.files import CACHE_VARIABLE, cache_dir, require_writable
from vtbench.core.disk.write_errors import system_error, unwritten
from vtbench.core.errors import VtbenchError

_told: set[Path] = set()
_unusable: set[Path] = set()
_meanwhile: dict[Path, tempfile.TemporaryDirectory[str]] = {}


def kept_in(*segments: str) -> Path:
    """The folder ``cache_dir()/segments``, made and writable; else one of this process in its place, which is told.

    Raises:
        UnwritableError: there is no place for temporary files either.
    """
    folder = cache_dir().joinpath(*segments)
    if folder not in _unusable:
        try:
            require_writable(folder)
        except VtbenchError as error:
            not_kept(error, folder)
            _unusable.add(folder)
        else:
            return folder
    return kept_meanwhile(*segments)


def kept_meanwhile(*segments: str) -> Path:
    """A folder that stands for ``cache_dir()/segments`` until this process ends."""
    root = cache_dir()
    if root not in _meanwhile:
        _meanwhile[root] = tempfile.TemporaryDirectory(prefix="vtbench-cache-", ignore_cleanup_errors=True)
    folder = Path(_meanwhile[root].name).joinpath(*segments)
    require_writable(folder)
    return folder


def places(*segments: str) -> list[Path]:
    """Where something that was kept may lie, in the order to look: the cache, then what stands for it."""
    root = cache_dir()
    roots = [root, *([Path(_meanwhile[root].name)] if root in _meanwhile else [])]
    return [place.joinpath(*segments) for place in roots]


def begin_run() -> None:
    """A cache that could not be used may be mended since, and where it is not, this run is told too."""
    _told.clear()
    _unusable.clear()


@contextmanager
def alone_in(folder: Path, name: str = ".lock") -> Iterator[None]:
    """One process at a time, so that they share work; all at once where the file system has no locks."""
    from filelock import FileLock

    lock = FileLock(folder / name)
    with suppress(OSError, NotImplementedError):
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def claimed(folder: Path, names: Iterable[str]) -> Iterator[frozenset[str]]:
    """Those of several locks that nobody holds, taken without waiting: who holds some can wait for nobody.

    All of them where the file system has no locks.
    """
    from filelock import FileLock, Timeout

    with ExitStack() as held:
        mine = set()
        for name in names:
            lock = FileLock(folder / name)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            except (OSError, NotImplementedError):
                pass
            held.callback(lock.release)
            mine.add(name)
        yield frozenset(mine)


@contextmanager
def optional() -> Iterator[None]:
    """Keep something in the cache, if that works: an error of its file system is told once and costs nothing else."""
    try:
        yield
    except (VtbenchError, OSError, NotImplementedError) as error:
        not_kept(error, cache_dir())


def not_kept(error: Exception, folder: Path) -> None:
    """Tell, once a process for each cache, that it cannot be used, why, and how to have another."""
    root = cache_dir()
    if root in _told:
        return
    _told.add(root)
    said = error if isinstance(error, VtbenchError) else unwritten(folder, error)
    known = isinstance(error, (VtbenchError, NotImplementedError)) or system_error(error)
    what = said.what if known else f"{folder} cannot be used: {error}"
    warnings.warn(
        f"{what}: the run goes on and does again what a cache would save; another place for it: {CACHE_VARIABLE}=DIR",
        stacklevel=3,
    )


def is_there(path: Path) -> bool:
    """Whether a file is there that can be looked at."""
    try:
        return path.is_file()
    except OSError:  # a folder that may not be searched
        return False
