"""Lists of conditions that name images: JSON lines, ``{"prompt": …, "images": {"source": "cats/1.png"}}``.

Paths are relative to the list's folder, and lead nowhere else, by symbolic links neither. A file that is not there, or
is no image, fails the samples that need it, and no others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtbench.core.condition_images import ConditionImages
from vtbench.core.contracts import Condition
from vtbench.core.digests import digest_file
from vtbench.core.disk.files import inside, user_path
from vtbench.core.errors import SampleError, UnreadableConditionError, UsageError
from vtbench.core.outside.parsing import parse_json, read_bytes, read_text, reason
from vtbench.data.conditions import ConditionSample, ConditionSet, of_prompts
from vtbench.data.fingerprint import digest_readable_file
from vtbench.data.limits import MOST_FILE_BYTES

if TYPE_CHECKING:
    from torch import Tensor

SUFFIX = ".jsonl"
_MOST_OF_A_ROLE = 64
_EXAMPLE = '{"prompt": "make it winter", "images": {"source": "photos/1.png"}}'
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
        from vtbench.data.decode import decode_image

        if not self.path.is_file():
            raise UnreadableConditionError(f"{self.name}: no such file")
        try:
            data = read_bytes(self.path, MOST_FILE_BYTES)
            if hashlib.sha256(data).hexdigest() != self.digest:
                raise UnreadableConditionError(f"{self.name}: it changed since the run was planned")
            return decode_image(data, self.name)
        except (OSError, ValueError) as error:
            raise UnreadableConditionError(f"{self.name}: cannot be read: {reason(error)}") from error
        except SampleError as error:
            raise UnreadableConditionError(error.what) from error


@dataclass(frozen=True, eq=False)
class ConditionList:
    """The lines of one file.

    Args:
        path: JSON lines.

    Raises:
        UsageError: no such file, another kind of file, not UTF-8, or no line in it.
    """

    path: Path
    _files: dict[str, FileImage] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", user_path(self.path))
        if self.path.suffix != SUFFIX:
            raise UsageError(f"{self.path} is no {SUFFIX}: images are named in JSON lines", f"a line: {_EXAMPLE}")
        if not self.path.exists():
            raise UsageError(f"no list of conditions {self.path}", f"a line: {_EXAMPLE}")

    @property
    def told(self) -> dict[str, Any]:
        """Name and digest of the file, for the record."""
        return {"file": self.path.name, "sha256": digest_file(self.path)}

    def entries(self) -> list[tuple[str, dict[str, Any]]]:
        """Every line that is not blank: where it stands, and what it says."""
        lines = [(line.strip(), f"{self.path}:{number}") for number, line in enumerate(self._text(), 1) if line.strip()]
        found = [(where, parse_json(line, where, kind=UsageError)) for line, where in lines]
        for where, entry in found:
            if not isinstance(entry, dict):
                raise UsageError(f"{where} is no JSON object", f"a line: {_EXAMPLE}")
        if not found:
            raise UsageError(f"{self.path} holds no conditions")
        return found

    def condition(self, where: str, entry: Mapping[str, Any], roles: Sequence[str] | None = None) -> Condition:
        """What a line asks for.

        Args:
            where: it stands.
            entry: what it says.
            roles: that its images must have, no more and no fewer; any unless given.

        Raises:
            UsageError: a prompt that is no text, a label that is no whole number, or images that are not those.
        """
        prompt, label = entry.get("prompt"), entry.get("label")
        if prompt is not None and not (isinstance(prompt, str) and prompt.strip()):
            raise UsageError(f"{where} has a prompt that is no text", f"a line: {_EXAMPLE}")
        if label is not None and not (type(label) is int and label >= 0):
            raise UsageError(f"{where} has the label {label!r:.40}", "a class is a whole number from 0")
        images = self._images(where, entry.get("images", {}))
        if roles is not None and set(images) != set(roles):
            named = ", ".join(images) or "none"
            raise UsageError(f"{where} names images as {named}; the task asks for {', '.join(roles)}", _EXAMPLE)
        metadata = {key: value for key, value in entry.items() if key not in ("prompt", "label")}
        return Condition(label=label, prompt=prompt, metadata=metadata, images=images)

    def _images(self, where: str, named: Any) -> ConditionImages:
        if not isinstance(named, dict):
            raise UsageError(f"{where}: images are named by role", f"a line: {_EXAMPLE}")
        found = {role: [self._file(where, name) for name in _names(where, role, named[role])] for role in named}
        try:
            return ConditionImages(found)
        except UsageError as error:
            raise UsageError(f"{where}: {error.what}", error.hint) from None

    def _file(self, where: str, name: str) -> FileImage:
        if name not in self._files:
            try:
                path = inside(self.path.parent, name)
            except (OSError, UsageError, ValueError):
                hint = "images lie below the folder of the list"
                raise UsageError(f"{where}: {name!r:.200} lies outside {self.path.parent}", hint) from None
            self._files[name] = FileImage(path, name)
        return self._files[name]

    def _text(self) -> list[str]:
        # Not splitlines(): it also splits at characters such as U+2028, which JSON strings may hold.
        return read_text(self.path).split("\n")


def listed_with_images(path: Path | str, roles: Sequence[str], per_line: int = 1, of: str = "prompts") -> ConditionSet:
    """``per_line`` images of every line of a list.

    Args:
        path: JSON lines.
        roles: of the images that every line names.
        per_line: images a line.
        of: ``prompts``, which every line then has; or ``images``: no line has a prompt, and all or none have a label.

    Raises:
        UsageError: no such list, or a line that is not what it should be.
    """
    lines = ConditionList(Path(path))
    found = []
    for where, entry in lines.entries():
        found.append(lines.condition(where, entry, roles))
        if (found[-1].prompt is not None) != (of == "prompts"):
            raise UsageError(f'{where} has {"a" if found[-1].prompt else "no"} "prompt"', f"the task is one of {of}")
    if len({condition.label is None for condition in found}) > 1:
        raise UsageError(f"{lines.path}: some lines have a label, others have none", "give all of them one, or none")
    return of_prompts(found, per_line, {**lines.told, "roles": list(roles)}, of)


def conditions_of_files(path: Path | str, names: Sequence[str]) -> ConditionSet:
    """What images that are there were made from: each line of the list names one of them as ``file``.

    Args:
        path: JSON lines.
        names: of the images, in order.

    Raises:
        UsageError: no such list, an image without a line, a line without an image, two lines of one image, or lines
            that have different kinds of things.
    """
    lines = ConditionList(Path(path))
    found: dict[str, Condition] = {}
    for where, entry in lines.entries():
        name = entry.get("file")
        if not isinstance(name, str) or name in found:
            told = "names no file" if not isinstance(name, str) else f"names {name!r} again"
            raise UsageError(f"{where} {told}", 'each line is of one image: {"file": "0001.png", "prompt": …}')
        found[name] = lines.condition(where, entry)
    missing, strange = [name for name in names if name not in found], sorted(found.keys() - set(names))
    if missing or strange:
        first = f"no line is of {missing[0]!r}" if missing else f"no image is called {strange[0]!r}"
        told = f"{len(missing)} images have no line, {len(strange)} lines no image"
        raise UsageError(f"{lines.path}: {first} ({told})", "name every image once, and no other")
    kinds = {(one.label is None, one.prompt is None, tuple(one.images)) for one in found.values()}
    if len(kinds) > 1:
        raise UsageError(f"{lines.path}: lines differ in what they have", "give all a prompt, a label, the same images")
    samples = [ConditionSample(name, found[name]) for name in names]
    roles = list(found[names[0]].images)
    described = {"of": "given", "labels": lines.path.name, **lines.told, **({"roles": roles} if roles else {})}
    return ConditionSet(samples, {**described, "count": len(samples)})


def _names(where: str, role: str, named: Any) -> list[str]:
    several = named if isinstance(named, list) else [named]
    if not all(isinstance(name, str) and name for name in several) or not 0 < len(several) <= _MOST_OF_A_ROLE:
        raise UsageError(f"{where}: {role!r:.40} names no images", f"a path, or up to {_MOST_OF_A_ROLE} in a list")
    return several
