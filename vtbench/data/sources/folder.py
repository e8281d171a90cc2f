"""A folder of image files."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vtbench.core.contracts import Sample
from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError
from vtbench.data.decode import EXTENSIONS, decode_image
from vtbench.data.fingerprint import Fingerprinted, digest_readable_file
from vtbench.data.sources.listing import kinds_of, list_images


class ImageFolder(Fingerprinted):
    """Every image below a folder, sorted by its POSIX path relative to the folder, which is its id.

    What is listed is said in :mod:`vtbench.data.sources.listing`; files that may have been meant as images and are of
    no kind that is read are told in ``notes``. Where there are sub-folders, the first one on the path is the class:
    ``target = {"label": number, "class": name}``. Where all classes are whole numbers, the number is the label; else
    the label is the position among the sorted names. A file beside the sub-folders has no target. A broken file is
    listed, and fails when it is read.

    Args:
        path: the folder.
        recursive: look into sub-folders.

    Raises:
        UsageError: no such folder, or no image in it (tells what was found).
    """

    hashing_threads = min(8, os.cpu_count() or 1)

    def __init__(self, path: str | Path, recursive: bool = True) -> None:
        self.root = user_path(path)
        if not self.root.is_dir():
            state = "is not a folder" if self.root.exists() else "does not exist"
            raise UsageError(f"image folder {self.root} {state}", "check the path")
        found = list_images(self.root, recursive)
        self.ids, self.notes = found.images, found.notes
        if not self.ids:
            raise UsageError(f"no images in {self.root}: {_describe(found.others)}", _hint(recursive))
        names = sorted({own for own in map(self._class_of, self.ids) if own is not None})
        self.classes = numbered(names)
        self._positions = {name: position for position, name in enumerate(names)}

    def __getitem__(self, index: int) -> Sample:
        name = self.ids[index]
        return Sample(id=name, image=decode_image(self.root / name, name), target=self.target(index))

    @property
    def positional_classes(self) -> int | None:
        """How many classes are numbered in the order of their names; ``None`` where their names are the numbers."""
        return None if all(map(str.isdecimal, self.classes)) else len(self.classes)

    def target(self, index: int) -> dict[str, Any] | None:
        """``{"label", "class"}`` of the first sub-folder, or ``None``."""
        name = self._class_of(self.ids[index])
        return None if name is None else {"label": self.classes[name], "class": name}

    def truth_text(self, index: int) -> str:
        """The class's name and its position among the names, from which its label follows, numeric or not."""
        told = self.target(index)
        if told is not None:
            told["label"] = self._positions[told["class"]]
        return json.dumps(told, sort_keys=True)

    def content_digest(self, index: int) -> str:
        """SHA-256 of the file."""
        return digest_readable_file(self.root / self.ids[index])

    @staticmethod
    def _class_of(name: str) -> str | None:
        """The class of a file by its path; ``None`` of one that lies in none."""
        first, slash, _ = name.partition("/")
        return first if slash else None


def numbered(names: list[str]) -> dict[str, int]:
    """Class names to labels: whole numbers are the classes themselves, other names are numbered in sorted order."""
    if all(name.isascii() and name.isdecimal() for name in names) and len({int(name) for name in names}) == len(names):
        return {name: int(name) for name in names}
    return {name: position for position, name in enumerate(names)}


def _describe(others: Sequence[str]) -> str:
    return f"found {len(others)} files ({kinds_of(others)})" if others else "it is empty"


def _hint(recursive: bool) -> str:
    kinds = " ".join(sorted(EXTENSIONS))
    return f"image files end in {kinds}" if recursive else f"sub-folders were not searched; image files end in {kinds}"
