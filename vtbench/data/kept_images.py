"""Images that a program was asked for and that are kept: where they lie, and what shows that they are still the same.

Beside an image lies its seal: the image's name, the folder it was kept in (which is named after the command), its bytes
and their digest. An image that is not what its seal says is asked for again. One without a seal (an interrupted program
left it, or an earlier version of vtbench) is taken where it can be decoded whole: it may have cost a call of a model.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtbench.core.disk.files import write_text
from vtbench.core.errors import SampleError, StorageFullError, UnwritableError
from vtbench.core.outside.parsing import load_json, read_bytes
from vtbench.core.outside.seals import sealed, unsealed
from vtbench.data.limits import MOST_FILE_BYTES

SUFFIXES = (".png", ".jpg", ".jpeg")
SEAL_SUFFIX = ".seal.json"
_LARGEST_SEAL = 1 << 16


def _nothing() -> None:
    return


@dataclass(frozen=True)
class Wanted:
    """One image that a program is asked for.

    Attributes:
        id: of the sample; what the program calls it in an error.
        output: where the image is to be written, without an extension.
        said: what else the program is told.
        size: height and width that the image must have, where that is known.
        give: writes what the program reads; called each time before it is asked.
    """

    id: str
    output: Path
    said: Mapping[str, Any]
    size: tuple[int, int] | None = None
    give: Callable[[], None] = _nothing

    @property
    def line(self) -> str:
        """The line that the program reads."""
        whole = {"id": self.id, **self.said, "output": f"{self.output}{SUFFIXES[0]}"}
        return json.dumps(whole) + "\n"  # ASCII only, so that no locale can misread it

    @property
    def seal(self) -> Path:
        """Where the image's seal lies."""
        return self.output.parent / f"{self.output.name}{SEAL_SUFFIX}"

    def files(self) -> list[Path]:
        """The images that are there, PNG first."""
        candidates = [self.output.parent / f"{self.output.name}{suffix}" for suffix in SUFFIXES]
        return [file for file in candidates if file.is_file()]

    def remove(self) -> None:
        """Forget the images that are there, and their seal: the next run asks for them again."""
        for file in (*self.files(), self.seal):
            file.unlink(missing_ok=True)


def seal_image(wanted: Wanted, file: Path, data: bytes) -> None:
    """Bind an image that was judged good; ``data`` is what was judged, the content of ``file``.

    Where that cannot be written, the image goes without, and is decoded before it is believed.
    """
    told = json.dumps(sealed(_facts(file, data)))
    with suppress(UnwritableError, StorageFullError):
        write_text(wanted.seal, told)


def sound(wanted: Wanted) -> bool:
    """Whether every image that is there can be believed: as its seal says, or without a seal and decoded whole."""
    return not (_altered(wanted) or _undecodable(wanted))


def is_sealed(wanted: Wanted) -> bool:
    """Whether a seal is there."""
    return wanted.seal.is_file()


def discard_unsound(wanted: Sequence[Wanted]) -> None:
    """Remove what cannot be believed, so that it is asked for again; what was altered since it was kept is told."""
    altered = {one.output: one for one in wanted if _altered(one)}
    if altered:
        first, more = next(iter(altered)), f" and {len(altered) - 1} more" if len(altered) > 1 else ""
        told = f"{first}{more}: damaged, or edited, since it was kept; the program is asked for it again"
        warnings.warn(told, stacklevel=2)
    for one in altered.values():
        one.remove()
    for one in wanted:
        for file in _undecodable(one):  # an interrupted program left it half-written
            file.unlink(missing_ok=True)


def _altered(wanted: Wanted) -> bool:
    """Whether the image that would be taken is not the one that was sealed."""
    files = wanted.files()
    if not files or not is_sealed(wanted):
        return False
    try:
        told = unsealed(load_json(read_bytes(wanted.seal, _LARGEST_SEAL).decode("utf-8")))
        return told != _facts(files[0], read_bytes(files[0], MOST_FILE_BYTES))
    except (OSError, ValueError, RecursionError):  # a broken seal is a ValueError
        return True


def _undecodable(wanted: Wanted) -> list[Path]:
    from vtbench.data.decode import decode_image

    broken: list[Path] = []
    for file in () if is_sealed(wanted) else wanted.files():
        try:
            decode_image(file)
        except SampleError:
            broken.append(file)
    return broken


def _facts(file: Path, data: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(data).hexdigest()
    return {"image": file.name, "kept_in": file.parent.name, "bytes": len(data), "content": digest}
