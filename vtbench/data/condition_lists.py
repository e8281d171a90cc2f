"""Lists of conditions that name images: JSON lines, ``{"prompt": …, "images": {"source": "cats/1.png"}}``.

Paths are relative to the list's folder, and lead nowhere else, by symbolic links neither. A file that is not there, or
is no image, fails the samples that need it, and no others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vtbench.core.contracts import Condition
from vtbench.core.digests import digest_file
from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError
from vtbench.core.outside.parsing import parse_json, read_text
from vtbench.data.condition_files import EXAMPLE, ImagesBelow
from vtbench.data.conditions import ConditionSample, ConditionSet, of_prompts

SUFFIX = ".jsonl"


class ConditionList:
    """The lines of one file.

    Args:
        path: JSON lines.

    Attributes:
        told: name and digest of the file, for the record.

    Raises:
        UsageError: no such file, or one of another kind.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = user_path(path)
        if self.path.suffix != SUFFIX:
            raise UsageError(f"{self.path} is no {SUFFIX}: images are named in JSON lines", EXAMPLE)
        if not self.path.exists():
            raise UsageError(f"no list of conditions {self.path}", EXAMPLE)
        self._images = ImagesBelow(self.path.parent)

    @property
    def told(self) -> dict[str, Any]:
        """As above."""
        return {"file": self.path.name, "sha256": digest_file(self.path)}

    def entries(self) -> list[tuple[str, dict[str, Any]]]:
        """Every line that is not blank: where it stands, and what it says.

        Raises:
            UsageError: not UTF-8, a line that is no JSON object, or no line.
        """
        # Not splitlines(): it also splits at characters such as U+2028, which JSON strings may hold.
        lines = enumerate(read_text(self.path).split("\n"), 1)
        placed = [(f"{self.path}:{number}", line.strip()) for number, line in lines if line.strip()]
        found = [(where, parse_json(line, where, kind=UsageError)) for where, line in placed]
        for where, entry in found:
            if not isinstance(entry, dict):
                raise UsageError(f"{where} is no JSON object", EXAMPLE)
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
        if prompt is not None and not (isinstance(prompt, str) and (prompt.strip() or prompt == "")):
            raise UsageError(f"{where} has a prompt that is no text", EXAMPLE)  # none to say is "": images say the rest
        if label is not None and not (type(label) is int and label >= 0):
            raise UsageError(f"{where} has the label {label!r:.40}", "a class is a whole number from 0")
        images = self._images.named(where, entry.get("images", {}))
        if roles is not None and set(images) != set(roles):
            named = ", ".join(images) or "none"
            raise UsageError(f"{where} names images as {named}; the task asks for {', '.join(roles)}", EXAMPLE)
        metadata = {key: value for key, value in entry.items() if key not in ("prompt", "label")}
        return Condition(label=label, prompt=prompt, metadata=metadata, images=images)


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
    lines = ConditionList(path)
    found = []
    for where, entry in lines.entries():
        found.append(lines.condition(where, entry, roles))
        if (found[-1].prompt is not None) != (of == "prompts"):
            raise UsageError(
                f'{where} has {"no" if found[-1].prompt is None else "a"} "prompt"', f"the task is one of {of}"
            )
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
    lines = ConditionList(path)
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
