"""Images of conditions as files below one folder: named by a list, read when they are needed, never outside of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtbench.core.condition_images import ConditionImages
from vtbench.core.disk.files import inside
from vtbench.core.errors import SampleError, UnreadableConditionError, UsageError
from vtbench.core.outside.parsing import read_bytes, reason
from vtbench.data.decode import decode_image
from vtbench.data.fingerprint import digest_readable_file
from vtbench.data.limits import MOST_FILE_BYTES

if TYPE_CHECKING:
    from torch import Tensor

EXAMPLE = 'a line: {"prompt": "make it winter", "images": {"source": "photos/1.png"}}'
_MOST_OF_A_ROLE = 64
_UNREADABLE = "unreadable"


@dataclass(frozen=True, eq=False)
class FileImage:
    """An image file, read when it is asked for. See :class:`~vtbench.core.condition_images.ConditionImage`.

    Attributes:
        path: where it lies.
        name: how the list calls it.
    """

    path: Path
    name: str

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file; read once."""
        return digest_readable_file(self.path) if self.path.is_file() else _UNREADABLE

    def pixels(self) -> Tensor:
        """``uint8 [3,H,W]``.

        Raises:
            UnreadableConditionError: no such file, none that is an image, or another one than was digested.
        """
        if not self.path.is_file():
            raise UnreadableConditionError(f"{self.name}: no such file")
        try:
            data = read_bytes(self.path, MOST_FILE_BYTES)
        except (OSError, ValueError) as error:
            raise UnreadableConditionError(f"{self.name}: cannot be read: {reason(error)}") from error
        if hashlib.sha256(data).hexdigest() != self.digest:
            raise UnreadableConditionError(f"{self.name}: it changed since the run was planned")
        try:
            return decode_image(data, self.name)
        except SampleError as error:
            raise UnreadableConditionError(error.what) from error


class ImagesBelow:
    """The images that lie below a folder; one object a file, however often it is named."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, FileImage] = {}

    def named(self, where: str, named: Any) -> ConditionImages:
        """Images by role, from a path or a list of paths each.

        Args:
            where: this stands, for messages.
            named: what a line says.

        Raises:
            UsageError: no such mapping, too many images, or a path that leads out of the folder.
        """
        if not isinstance(named, dict):
            raise UsageError(f"{where}: images are named by role", EXAMPLE)
        found = {role: [self._file(where, name) for name in _paths(where, role, named[role])] for role in named}
        try:
            return ConditionImages(found)
        except UsageError as error:
            raise UsageError(f"{where}: {error.what}", error.hint) from None

    def _file(self, where: str, name: str) -> FileImage:
        if name not in self._files:
            try:
                path = inside(self._folder, name)
            except (OSError, UsageError, ValueError):
                hint = "images lie below the folder of the list"
                raise UsageError(f"{where}: {name!r:.200} lies outside {self._folder}", hint) from None
            self._files[name] = FileImage(path, name)
        return self._files[name]


def _paths(where: str, role: str, named: Any) -> list[str]:
    several = named if isinstance(named, list) else [named]
    if not all(isinstance(name, str) and name for name in several) or not 0 < len(several) <= _MOST_OF_A_ROLE:
        raise UsageError(f"{where}: {role!r:.40} names no images", f"a path, or up to {_MOST_OF_A_ROLE} in a list")
    return several
