"""A folder of maps, ``.png`` or ``.npy``, by stem; of predictions several may belong to one stem."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from vtbench.core.digests import digest_json
from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError
from vtbench.data.fingerprint import Fingerprinted, digest_readable_file
from vtbench.data.sources.listing import walk

SUFFIXES = (".png", ".npy")


class MapFolder(Fingerprinted):
    """Maps below a folder. A stem is a POSIX path relative to the folder, without its suffix.

    Args:
        path: the folder.

    Attributes:
        ids: every stem, sorted.

    Raises:
        UsageError: no such folder, no map in it, or two maps of one stem.
    """

    def __init__(self, path: str | Path) -> None:
        self.root = user_path(path)
        if not self.root.is_dir():
            raise UsageError(f"no folder {path}", "give a folder of maps, .png or .npy")
        names = [name for name in walk(self.root) if Path(name).suffix.lower() in SUFFIXES]
        self._names = {name.rpartition(".")[0]: name for name in sorted(names)}
        if len(self._names) < len(names):
            twice = next(name for name in sorted(names) if self._names[name.rpartition(".")[0]] != name)
            raise UsageError(f"{self.root} holds {twice} and another map of that stem", "keep one of them")
        if not names:
            raise UsageError(f"no maps in {self.root}", f"files of {' and '.join(SUFFIXES)} are read")
        self.ids = tuple(self._names)
        self._below: dict[str, list[str]] = defaultdict(list)
        for stem, name in self._names.items():
            self._below[stem.rpartition("/")[0]].append(name)

    def files(self, stem: str) -> list[str]:
        """Names of the maps of a stem: the file ``STEM.png`` or ``STEM.npy``, else every file in a folder ``STEM``."""
        return [self._names[stem]] if stem in self._names else list(self._below.get(stem, ()))

    def content_digest(self, index: int) -> str:
        """Of the file."""
        return digest_readable_file(self.root / self._names[self.ids[index]])

    @property
    def identity(self) -> str:
        """Digest of all names and contents."""
        return digest_json([self.fingerprint, list(self._names.values())])
