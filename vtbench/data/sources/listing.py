"""What lies in a folder of images: one rule for data sets, predictions, samples and references.

Names are POSIX paths relative to the folder. Hidden names (a leading dot) are skipped; links are followed wherever they
lead, unless to a folder that holds the link, which would never end; pipes and sockets are no files. A broken link is
listed like a file that cannot be read, so that it fails as a sample and is not lost.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vtbench.core.errors import UsageError
from vtbench.data.decode import EXTENSIONS

_SHOWN = 5
_BESIDE_IMAGES = frozenset(
    {
        *(".txt", ".text", ".md", ".rst", ".html", ".htm", ".pdf", ".log", ".caption", ".url", ".ini", ".db"),
        *(".json", ".jsonl", ".csv", ".tsv", ".yaml", ".yml", ".xml", ".toml", ".py", ".sh", ".ipynb"),
        *(".pkl", ".pickle", ".npy", ".npz", ".mat", ".h5", ".hdf5", ".pt", ".pth", ".safetensors", ".lock"),
        *(".parquet", ".arrow", ".lmdb", ".mdb", ".idx", ".index", ".rec", ".zip", ".tar", ".gz", ".tgz", ".7z"),
        *(".md5", ".sha1", ".sha256", ".sha512", ".sum"),
    }
)
"""Notes, labels, arrays and archives, as they lie beside images everywhere: nobody takes them for pictures."""
_BESIDE_BY_NAME = frozenset({"readme", "license", "licence", "copying", "notice", "changelog", "makefile", "checksums"})


@dataclass(frozen=True)
class Listing:
    """The files below a folder, hidden ones apart.

    Attributes:
        images: those whose suffix is an image's, sorted.
        others: the rest, sorted.
    """

    root: Path
    images: tuple[str, ...]
    others: tuple[str, ...]

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """Files that may have been meant as images: neither read nor of a kind that lies beside images everywhere."""
        return tuple(name for name in self.others if not lies_beside(name))

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, in a sentence."""
        return left_out_notes(self.left_out, self.root)


def left_out_notes(names: Sequence[str], where: Path) -> tuple[str, ...]:
    """One sentence that counts and names the files that were left out; nothing where none were."""
    if not names:
        return ()
    told = f"{len(names)} files in {printable(where.name or str(where))} are of no kind that is read, and left out"
    return (f"{told} ({kinds_of(names)}): {named(names)}",)


def list_images(root: Path, recursive: bool = True) -> Listing:
    """Look through a folder.

    Raises:
        UsageError: a folder that cannot be listed, or an image's name that is not UTF-8.
    """
    names = sorted(walk(root, recursive))
    images = tuple(name for name in names if is_image(name))
    _check_text(images, root)
    return Listing(root, images, tuple(name for name in names if not is_image(name)))


def walk(root: Path, recursive: bool = True) -> Iterator[str]:
    """Every visible file below ``root``, folder by folder in the order of their names.

    Raises:
        UsageError: a folder that cannot be listed.
    """
    return _walk(str(root), recursive, "", ())


def _walk(folder: str, recursive: bool, prefix: str, above: tuple[str, ...]) -> Iterator[str]:
    real = os.path.realpath(folder)
    if any(f"{holder}{os.sep}".startswith(f"{real.rstrip(os.sep)}{os.sep}") for holder in above):
        return  # a link back to a folder that is being listed, or to one that holds it
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise UsageError(f"cannot list {folder}: {error.strerror}", "check its permissions") from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        kind = _kind(entry)
        if kind == "folder" and recursive:
            yield from _walk(entry.path, recursive, f"{prefix}{entry.name}/", (*above, real))
        elif kind == "file":
            yield prefix + entry.name


def _kind(entry: os.DirEntry[str]) -> str:
    """``folder``, ``file`` or ``other``; what a broken or circular link leads to would have been a file.

    A link alone costs a look at the disk: the kind of the others came with the listing.
    """
    try:
        if entry.is_dir():
            return "folder"
        broken = entry.is_symlink() and not os.path.exists(entry.path)  # noqa: PTH110
        return "file" if broken or entry.is_file() else "other"
    except OSError:  # links in a circle
        return "file"


def is_image(name: str) -> bool:
    """Whether the suffix, in any case, is that of a kind of image that is read."""
    return suffix_of(name) in EXTENSIONS


def suffix_of(name: str) -> str:
    """Of the last part of a name, in lower case: ``.png``, or nothing."""
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - a Path for each of a million names is slow


def kinds_of(names: Sequence[str]) -> str:
    """``.heic: 2, without suffix: 1``: the most frequent first."""
    kinds = Counter(printable(suffix_of(name)) or "without suffix" for name in names).most_common(_SHOWN)
    return ", ".join(f"{kind}: {count}" for kind, count in kinds)


def named(names: Sequence[str], most: int = _SHOWN) -> str:
    """The first few names, and how many there are beyond."""
    shown = ", ".join(printable(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def composed(name: str) -> str:
    """A name as others may have written it: decomposed characters (NFD, as macOS and its zips write) become NFC."""
    return unicodedata.normalize("NFC", name)


def printable(name: str) -> str:
    """A name on one line and in any encoding: control characters and bytes that are not UTF-8 become escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def lies_beside(name: str) -> bool:
    """Whether files of that name lie beside images everywhere, so that nobody takes them for pictures."""
    base = name.rpartition("/")[2].lower()
    return suffix_of(base) in _BESIDE_IMAGES or base in _BESIDE_BY_NAME or base.endswith("sums")


def _check_text(names: Sequence[str], root: Path) -> None:
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise UsageError(f"{root}: the file name {name!r} is not UTF-8", "rename the file") from None
