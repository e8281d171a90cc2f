"""Files: atomic writes, the cache folder, and names that are safe as one path segment."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vtbench.core.errors import StorageFullError, UnwritableError, UsageError, VtbenchError

CACHE_VARIABLE = "VTBENCH_CACHE"
_UNSAFE = re.compile(r"[^A-Za-z0-9._+@=-]+")
_LONGEST_SEGMENT = 80
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_TOLD_IN_WORDS = re.compile(r"\(os error (\d+)\)")


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
        handle, name = tempfile.mkstemp(prefix=f".{path.name}."[:_LONGEST_SEGMENT], suffix=".partial", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            temporary.chmod(0o666 & ~_current_umask())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def writing(path: Path, hint: str = "give a path that can be written") -> Iterator[None]:
    """What the system says while ``path`` is made or written, as an expected error that names it.

    Raises:
        UnwritableError: it cannot be made or written there.
        StorageFullError: there is no room for it.
    """
    try:
        yield
    except VtbenchError:
        raise
    except Exception as error:
        if _is_elsewhere(error, path):
            raise
        number = _system_error(error)
        if number in _NO_ROOM:
            raise StorageFullError(
                f"{path} cannot be written: {os.strerror(number)}", "make room and give the same command again"
            ) from error
        if isinstance(error, OSError) or number:
            why = os.strerror(number) if number else str(error)
            is_file = number in (errno.EEXIST, errno.ENOTDIR) and path.is_file()
            raise UnwritableError(f"{path} {'is a file' if is_file else f'cannot be written: {why}'}", hint) from error
        raise


def require_writable(folder: Path, hint: str = "give a folder that can be made and written") -> None:
    """Make a folder and see that a file can be made in it, before hours of work are to be kept there.

    Raises:
        UnwritableError: neither can be.
        StorageFullError: there is no room for a file.
    """
    with writing(folder, hint):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass


def _is_elsewhere(error: Exception, path: Path) -> bool:
    """Whether the system speaks of a file that has nothing to do with ``path``: one that is read, say."""
    name = getattr(error, "filename", None)
    if not isinstance(name, (str, Path)):
        return False
    named, place = Path(name).absolute(), path.absolute()
    return named not in (place, *place.parents) and named.parent not in (place, place.parent)


def _system_error(error: Exception) -> int:
    """The number of the system's error; libraries in Rust tell it in words alone."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    told = _TOLD_IN_WORDS.search(str(error))
    return int(told.group(1)) if told else 0


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
    mask = os.umask(0)
    os.umask(mask)
    return mask
