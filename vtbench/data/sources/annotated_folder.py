"""A folder of images with an annotation file beside it: the form for any set of images whose text is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vtbench.core.contracts import Sample
from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError
from vtbench.core.outside.csv_rows import csv_rows
from vtbench.core.outside.parsing import boundary, load_json, read_bytes
from vtbench.data.decode import decode_image
from vtbench.data.fingerprint import Fingerprinted, digest_readable_file
from vtbench.data.sources.folder import ImageFolder
from vtbench.data.sources.listing import composed, named

_SHOWN = 5
_FORM = 'each line of .jsonl is {"id": "poster-1.png", "text": "…", …}; a .csv begins with a line id,text,…'


class AnnotatedFolder(Fingerprinted):
    """Images and their texts. The samples are those of the annotation file, sorted by the image's relative path.

    ``.jsonl`` holds one JSON object a line, ``.csv`` (UTF-8, comma, quoted where needed) a header and one row a sample.
    Both have ``id``, the image's path relative to the folder, with or without its suffix, and ``text``, the exact text
    with line feeds (in CSV inside quotes). Further fields are kept as they are: ``language`` (``en``, ``zh`` …),
    ``layout`` and ``glyph_px`` (pixels; a number in CSV too) are those that tables stratify by; ``boxes`` is
    ``[[x0, y0, x1, y1, word], …]``. The target is all fields but ``id``. Images that have no annotation are left out,
    named in ``unannotated`` and told in ``notes``.

    Args:
        path: the folder of images, searched recursively.
        annotations: the file; looked for as given, then inside the folder.

    Raises:
        UsageError: no such folder or file, a line that cannot be read, an id twice, or one that is no image.
    """

    def __init__(self, path: str | Path, annotations: str | Path) -> None:
        folder = ImageFolder(path)
        self.root = folder.root
        self.annotations = _existing(self.root, user_path(annotations))
        images = _by_name(folder.ids)
        found: dict[str, dict[str, Any]] = {}
        for where, fields in _entries(self.annotations):
            name = _image_of(fields.pop("id"), images, where)
            if name in found:
                raise UsageError(f"{where}: a second annotation of {name}", "give every image one")
            found[name] = fields
        if not found:
            raise UsageError(f"{self.annotations} annotates nothing", _FORM)
        self.ids = tuple(sorted(found))
        self.unannotated = tuple(name for name in folder.ids if name not in found)
        self.notes = (*folder.notes, *_without(self.unannotated, self.root))
        self._targets = found

    def __getitem__(self, index: int) -> Sample:
        name = self.ids[index]
        return Sample(id=name, image=decode_image(self.root / name, name), target=self.target(index))

    def target(self, index: int) -> dict[str, Any]:
        """``{"text", …}``: the annotation without its id."""
        return dict(self._targets[self.ids[index]])

    def content_digest(self, index: int) -> str:
        """SHA-256 of the image file."""
        return digest_readable_file(self.root / self.ids[index])


def _existing(root: Path, file: Path) -> Path:
    for candidate in (file, root / file):
        if candidate.is_file():
            return candidate
    raise UsageError(f"no annotation file {file}, here or in {root}", _FORM)


def _without(unannotated: Sequence[str], root: Path) -> tuple[str, ...]:
    told = f"{len(unannotated)} images in {root.name or root} have no annotation, and are left out"
    return (f"{told}: {named(unannotated)}",) if unannotated else ()


def _by_name(names: Sequence[str]) -> dict[str, list[str]]:
    """Relative paths by what an annotation may call them, composed (NFC): the whole path, or it without its suffix."""
    images: dict[str, list[str]] = {}
    for name in names:
        for called in (name, Path(name).with_suffix("").as_posix()):
            images.setdefault(composed(called), []).append(name)
    return images


def _image_of(name: str, images: dict[str, list[str]], where: str) -> str:
    """The image of that very name, else the one whose name is equal once composed: a zip of macOS decomposes it."""
    fitting = images.get(composed(name), [])
    same = [image for image in fitting if image == name]
    matches = same or [image for image in fitting if composed(image) == composed(name)] or fitting
    if len(matches) != 1:
        told = "is no image of the folder" if not matches else f"could be {', '.join(matches[:_SHOWN])}"
        raise UsageError(f"{where}: {name!r} {told}", "write the image's path relative to the folder")
    return matches[0]


def _entries(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """``(where, fields)`` of every annotation; ``id`` and ``text`` are there and are text."""
    readers = {".jsonl": _json_lines, ".csv": _csv_rows}
    if file.suffix.lower() not in readers:
        raise UsageError(f"{file}: an annotation file ends in .jsonl or .csv", _FORM)
    for number, fields in readers[file.suffix.lower()](file):
        where = f"{file}:{number}"
        for key in ("id", "text"):
            if not isinstance(fields.get(key), str):
                raise UsageError(f"{where}: no text under {key!r}", _FORM)
        yield where, fields


def _text(file: Path) -> str:
    with boundary(f"{file} cannot be read", "write it in UTF-8", UsageError):
        return read_bytes(file).decode("utf-8-sig")


def _json_lines(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    # Not splitlines(): it also splits at characters such as U+2028, which JSON strings may hold.
    for number, line in enumerate(_text(file).split("\n"), start=1):
        if not line.strip():
            continue
        with boundary(f"{file}:{number}: not JSON", _FORM, UsageError):
            fields = load_json(line)
        if not isinstance(fields, dict):
            raise UsageError(f"{file}:{number}: not an object", _FORM)
        yield number, fields


def _csv_rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, row in csv_rows(_text(file), file, _FORM)[1]:
        yield number, {key: _number(key, text, f"{file}:{number}") for key, text in row.items()}


def _number(key: str, text: str, where: str) -> str | int:
    if key != "glyph_px":
        return text
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{where}: glyph_px is {text[:40]!r}", "write whole pixels") from None
