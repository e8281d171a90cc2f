"""A folder of image files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vtbench.core.contracts import Sample
from vtbench.core.errors import UsageError
from vtbench.data.decode import EXTENSIONS, decode_image
from vtbench.data.fingerprint import Fingerprinted, digest_readable_file


class ImageFolder(Fingerprinted):
    """Every image below a folder, sorted by its POSIX path relative to the folder, which is its id.

    Files and folders whose name begins with a dot are skipped; links are followed. Where there are sub-folders, the
    first one on the path is the class: ``target = {"label": index among the sorted classes, "class": name}``; a file
    beside the sub-folders has no target. A broken file is listed, and fails when it is read.

    Args:
        path: the folder.
        recursive: look into sub-folders.

    Raises:
        UsageError: no such folder, or no image in it (tells what was found).
    """

    hashing_threads = min(8, os.cpu_count() or 1)

    def __init__(self, path: str | Path, recursive: bool = True) -> None:
        self.root = Path(str(path)).expanduser()
        if not self.root.is_dir():
            state = "is not a folder" if self.root.exists() else "does not exist"
            raise UsageError(f"image folder {self.root} {state}", "check the path")
        found = list(_files(self.root, recursive))
        self.ids = tuple(sorted(name for name in found if _extension(name) in EXTENSIONS))
        if not self.ids:
            raise UsageError(f"no images in {self.root}: {_describe(found)}", _hint(recursive))
        _check_text(self.ids, self.root)
        names = sorted({name.split("/", 1)[0] for name in self.ids if "/" in name})
        self.classes = {name: label for label, name in enumerate(names)}

    def __getitem__(self, index: int) -> Sample:
        name = self.ids[index]
        return Sample(id=name, image=decode_image(self.root / name, name), target=self.target(index))

    def target(self, index: int) -> dict[str, Any] | None:
        """``{"label", "class"}`` of the first sub-folder, or ``None``."""
        name, slash, _ = self.ids[index].partition("/")
        return {"label": self.classes[name], "class": name} if slash else None

    def content_digest(self, index: int) -> str:
        """SHA-256 of the file."""
        return digest_readable_file(self.root / self.ids[index])


def _files(folder: Path, recursive: bool, prefix: str = "", above: tuple[str, ...] = ()) -> Iterator[str]:
    """Relative POSIX paths; a link back to a folder that is being listed is not followed again."""
    real = os.path.realpath(folder)
    if real in above:
        return
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise UsageError(f"cannot list {folder}: {error.strerror}", "check its permissions") from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if recursive:
                yield from _files(Path(entry.path), recursive, f"{prefix}{entry.name}/", (*above, real))
        elif entry.is_file() or entry.is_symlink():  # not sockets or pipes; a broken link is a broken sample
            yield prefix + entry.name


def _extension(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - a Path for each of a million names is slow


def _check_text(names: tuple[str, ...], root: Path) -> None:
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise UsageError(f"{root}: the file name {name!r} is not UTF-8", "rename the file") from None


def _describe(found: list[str]) -> str:
    if not found:
        return "it is empty"
    kinds = Counter(_extension(name) or "without extension" for name in found).most_common(5)
    return f"found {len(found)} files ({', '.join(f'{kind}: {count}' for kind, count in kinds)})"


def _hint(recursive: bool) -> str:
    kinds = " ".join(sorted(EXTENSIONS))
    return f"image files end in {kinds}" if recursive else f"sub-folders were not searched; image files end in {kinds}"
