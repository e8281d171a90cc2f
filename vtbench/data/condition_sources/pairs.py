"""``pairs``: two folders of images, what is to be restored and what is wanted, matched by their names.

``LR/0801x4.png`` belongs to ``HR/0801.png``: what a name ends with to tell the resolution, ``x4``, ``_LR4`` and the
like, is no part of it.
"""

from __future__ import annotations

import re
from pathlib import Path

from vtbench.core.contracts import Condition
from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError
from vtbench.core.outside.parsing import parse_json, read_text
from vtbench.data.condition_files import FileImage
from vtbench.data.conditions import ConditionSample, ConditionSet

SOURCES = ("LR", "lq", "lr", "LQ", "low")
TRUTHS = ("HR", "gt", "hr", "GT", "high")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
_RESOLUTION = re.compile(r"[-_]?(x\d+|(LR|HR|lr|hr|LQ|lq|GT|gt)\d*)$")
_SHOWN = 3


class Pairs:
    """One condition a pair, by name. Images: ``source`` and ``truth``.

    Args:
        path: folder that holds the two folders.
        source: of what is to be restored, below ``path``; ``LR`` or ``lq`` unless given.
        truth: of what is wanted; ``HR`` or ``gt`` unless given.
        prompted: conditions have a prompt, for generators that take one: the caption, or an empty one.
        captions: file of JSON lines with ``image_path`` and ``long_caption`` (or ``prompt``), matched by name too.

    Raises:
        UsageError: no such folders, two images of one name, or none that match.
    """

    def __init__(
        self,
        path: str | Path,
        source: str | None = None,
        truth: str | None = None,
        prompted: bool = False,
        captions: str | None = None,
    ) -> None:
        folder = user_path(path)
        small = _images(_below(folder, source, SOURCES, "source"))
        large = _images(_below(folder, truth, TRUTHS, "truth"))
        said = {} if captions is None else _captions(user_path(captions))
        names = sorted(small.keys() & large.keys())
        if not names:
            some = ", ".join([*sorted(small)[:_SHOWN], *sorted(large)[:_SHOWN]])
            raise UsageError(f"{folder}: no name is in both folders: {some}", "name a source and its truth alike")
        self.conditions = ConditionSet(
            [
                ConditionSample(
                    name,
                    Condition(
                        prompt=said.get(name, "") if prompted else None,
                        images={"source": small[name], "truth": large[name]},
                    ),
                )
                for name in names
            ],
            {"of": "pairs", "count": len(names)},
        )
        alone = [*sorted(small.keys() - large.keys()), *sorted(large.keys() - small.keys())]
        told = (
            [f"{len(alone)} images have no counterpart, and are left out: {', '.join(alone[:_SHOWN])}"] if alone else []
        )
        if captions is not None and (silent := [name for name in names if name not in said]):
            told.append(f"{len(silent)} of {len(names)} images have no caption: {', '.join(silent[:_SHOWN])}")
        self.notes = tuple(told)


def stem_of(name: str) -> str:
    """A file's name without its extension and without what tells its resolution."""
    stem = Path(name).stem
    shorter = _RESOLUTION.sub("", stem)
    return shorter or stem


def _below(folder: Path, named: str | None, usual: tuple[str, ...], role: str) -> Path:
    places = [folder / name for name in ((named,) if named else usual)]
    found = next((place for place in places if place.is_dir()), None)
    if found is None:
        raise UsageError(
            f"{folder} has no folder {named or ' or '.join(usual)}", f"say which: pairs,path={folder},{role}=NAME"
        )
    return found


def _images(folder: Path) -> dict[str, FileImage]:
    found: dict[str, FileImage] = {}
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() not in SUFFIXES or not file.is_file():
            continue
        name = stem_of(file.name)
        if name in found:
            raise UsageError(f"{folder}: {found[name].name} and {file.name} have one name, {name}", "leave one of them")
        found[name] = FileImage(file, file.name)
    if not found:
        raise UsageError(f"{folder} holds no image", f"known: {', '.join(SUFFIXES)}")
    return found


def _captions(file: Path) -> dict[str, str]:
    if not file.is_file():
        raise UsageError(f"no file of captions {file}")
    found: dict[str, str] = {}
    for number, line in enumerate(read_text(file).split("\n"), 1):
        if not line.strip():
            continue
        entry = parse_json(line, f"{file}:{number}", kind=UsageError)
        text = entry.get("long_caption", entry.get("prompt")) if isinstance(entry, dict) else None
        named = entry.get("image_path") if isinstance(entry, dict) else None
        if not isinstance(text, str) or not isinstance(named, str):
            raise UsageError(f"{file}:{number} has no image_path and long_caption")
        found[stem_of(named.replace("\\", "/").rpartition("/")[2])] = text
    return found
