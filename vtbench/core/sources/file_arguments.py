"""Files and folders that arguments name, by their content: a path that stays may lead to something else tomorrow."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from vtbench.core.digests import digest_file, digest_json
from vtbench.core.disk.files import user_path


def digest_arguments(arguments: Mapping[str, Any], counts: Callable[[Path], bool] | None = None) -> dict[str, str]:
    """SHA-256 of everything on disk that arguments name, at any depth of lists and mappings, by where it is named.

    Args:
        arguments: by name.
        counts: which files of a folder count; all of them where it is not given.
    """
    found = {}
    for place, text in _paths(arguments, ""):
        path = user_path(text)
        if _is(path.is_file):
            found[place] = digest_file(path)
        elif _is(path.is_dir) and not _holds_the_working_folder(path):
            digest = digest_folder(path, counts)
            found |= {} if digest is None else {place: digest}
    return found


def named_places(arguments: Mapping[str, Any]) -> list[Path]:
    """The files and folders whose content :func:`digest_arguments` tells."""
    paths = (Path(text).expanduser() for _, text in _paths(arguments, ""))
    return [path for path in paths if _is(path.is_file) or (_is(path.is_dir) and not _holds_the_working_folder(path))]


def digest_folder(folder: Path, counts: Callable[[Path], bool] | None = None) -> str | None:
    """SHA-256 over the relative names and contents of a folder's files, ``None`` where there are none; hidden ones and
    bytecode do not count."""
    files = {}
    for parent, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__pycache__")))
        for name in sorted(names):
            path = Path(parent, name)
            if not name.startswith(".") and path.is_file() and (counts is None or counts(path)):
                files[path.relative_to(folder).as_posix()] = digest_file(path)
    return digest_json(files) if files else None


def is_file(text: str) -> bool:
    """Whether text names a file; a word too long or too odd for a path does not."""
    return bool(text) and _is(Path(text).is_file)


def _paths(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _paths(item, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from _paths(item, f"{place}.{position}")
    elif isinstance(value, str | os.PathLike):
        text = os.fspath(value)
        if isinstance(text, str) and text.strip():
            yield place, text


def _is(asked: Callable[[], bool]) -> bool:
    try:
        return asked()
    except (OSError, ValueError):  # too long, a null byte: no path
        return False


def _holds_the_working_folder(path: Path) -> bool:
    """``.`` as a default means any place to write to: it holds what this very run writes."""
    return Path.cwd().is_relative_to(path.resolve())
