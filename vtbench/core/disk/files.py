"""Files: atomic writes, the cache folder, and names that are safe as one path segment."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vtbench.core.disk.partial import new_partial
from vtbench.core.disk.write_errors import writing
from vtbench.core.errors import UsageError

CACHE_VARIABLE = "VTBENCH_CACHE"
_UNSAFE = re.compile(r"[^A-Za-z0-9._+@=-]+")
_LONGEST_SEGMENT = 80


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success flush it to disk and rename it over ``path``.

    A reader, and a run killed at any moment, sees either no file or a whole one.

    Raises:
        UnwritableError: the file cannot be made or written there.
        StorageFullError: there is no room for it.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = new_partial(path)
        try:
            yield temporary
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            temporary.chmod(0o666 & ~_current_umask())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def require_writable(folder: Path, hint: str | None = None) -> None:
    """Make a folder and see that a file can be made in it, before hours of work are to be kept there.

    Raises:
        UnwritableError: neither can be.
        StorageFullError: there is no room for a file.
    """
    with writing(folder, hint):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass


def require_writable_file(path: Path, hint: str | None = None) -> None:
    """:func:`require_writable` for a file that is to be made or replaced.

    Raises:
        UnwritableError: it cannot be, or it is a folder.
        StorageFullError: there is no room for a file.
    """
    with writing(path, hint):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        new_partial(path).unlink()


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def cache_dir() -> Path:
    """``$VTBENCH_CACHE``, or the user's cache folder for vtbench. Not created here."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return user_path(chosen)
    from platformdirs import user_cache_path

    return user_cache_path("vtbench")


def expand_user(text: str) -> str:
    """``text`` with a leading ``~`` or ``~someone`` as the home folder.

    A folder that is really called ``~`` is written ``./~``, and comes back whole, so that nobody expands it later.
    """
    if text.startswith("./~"):
        return str(Path.cwd() / text.removeprefix("./"))
    if not text.startswith("~"):
        return text
    try:
        return str(Path(text).expanduser())
    except RuntimeError:  # nobody of that name: it may be a file's name
        return text


def user_path(text: str | Path) -> Path:
    """A path that a person typed, by the rule of :func:`expand_user`.

    Raises:
        UsageError: no text, as a shell variable that is not set leaves it: it would be the current folder.
    """
    if not str(text).strip():
        raise UsageError("an empty path", "write . for the current folder")
    return Path(expand_user(str(text)))


def path_segment(name: str) -> str:
    """``name`` as a single harmless path segment: no separators, no leading dots, bounded length."""
    segment = _UNSAFE.sub("-", name).strip(".-")[:_LONGEST_SEGMENT]
    return segment or "unnamed"


def inside(folder: Path, *segments: str) -> Path:
    """Join, refusing anything that would leave ``folder``.

    Raises:
        UsageError: the joined path is not below ``folder``, or is no path at all.
    """
    root = folder.resolve()
    joined = root if any("\0" in segment for segment in segments) else root.joinpath(*segments).resolve()
    if joined == root or root not in joined.parents:
        raise UsageError(f"{'/'.join(segments)!r} lies outside {folder}", "use ids and names without '..' or '/'")
    return joined


def _current_umask() -> int:
    """Linux tells it; elsewhere it is told only when it is changed, which another thread may notice for a moment."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - once a file that is written
            return next(int(line.split()[1], 8) for line in status if line.startswith("Umask:"))
    except (OSError, StopIteration):
        mask = os.umask(0)
        os.umask(mask)
        return mask
