"""From what a person writes to files: a path, a URL, a glob, or a pattern with braces."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path

from vtbench.core.disk.files import user_path
from vtbench.core.errors import AssetMissingError, UsageError
from vtbench.core.extras import install_extra
from vtbench.core.outside.parsing import boundary
from vtbench.core.secrets import masked
from vtbench.data.stores import filesystems
from vtbench.data.stores.files import LocalFile, RemoteFile, StoredFile
from vtbench.data.stores.urls import is_http, is_url, refuse_offline

_MOST_FILES = 1_000_000


def files_of(pattern: str, example: str) -> list[StoredFile]:
    """The files of a pattern, sorted by path or URL, each once.

    Braces are unfolded first, ``{000..127}`` and ``{a,b}``; then ``*`` is looked for on the disk or in the store. No
    web server can be listed. Whether a file that is named is there is not asked.

    Raises:
        AssetMissingError: the package ``braceexpand`` is not installed, or the network is forbidden.
        UsageError: no brace pattern, ``*`` of a web server, or nothing found.
    """
    found = {file.shown if isinstance(file, LocalFile) else file.url: file for file in _unfolded(pattern, example)}
    return [found[place] for place in sorted(found)]


def file_of(text: str) -> StoredFile:
    """One file, as it is named."""
    return RemoteFile(text) if is_url(text) else LocalFile(user_path(text))


def _unfolded(pattern: str, example: str) -> Iterator[LocalFile | RemoteFile]:
    for count, part in enumerate(_braces(pattern, example)):
        if count >= _MOST_FILES:
            raise UsageError(f"{masked(pattern)} stands for more than {_MOST_FILES:,} files", "check its braces")
        if is_url(part):
            yield from map(RemoteFile, _remote(part, example))
        else:
            path = str(user_path(part))
            yield from (LocalFile(Path(name)) for name in (glob.glob(path) or [path]))  # noqa: PTH207


def _braces(pattern: str, example: str) -> Iterator[str]:
    try:
        from braceexpand import braceexpand
    except ImportError as error:
        told = f"{masked(pattern)}: patterns of files need the package braceexpand"
        hint = install_extra("remote") if is_url(pattern) else install_extra("wds")
        raise AssetMissingError(told, hint) from error
    try:
        yield from braceexpand(pattern)
    except ValueError as error:
        raise UsageError(f"{masked(pattern)!r} is not a brace pattern: {error}", f"write {example}") from error


def _remote(url: str, example: str) -> list[str]:
    refuse_offline(url)
    if "*" not in url:
        return [url]
    if is_http(url):
        raise UsageError(f"{masked(url)}: a web server cannot be searched for *", f"name the files: {example}")
    with boundary(f"{masked(url)} cannot be listed", kind=UsageError):
        found = filesystems.matching(url)
    if not found:
        raise UsageError(f"no files at {masked(url)}", "check the pattern")
    return found
