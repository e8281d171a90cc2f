"""TokBench's images and annotations, as its archive is laid out (Wu et al. 2025, arXiv 2505.18142).

::

    annotations/text_NAME.json   [{"file_name", "height", "width",
                                   "annotations": [{"rec": word, "bbox": box, "ratio": relative size}, …]}, …]
    annotations/face_meta.json   [{"image_name", "img_height", "img_width",
                                   "faces": [{"kps": five points, "ratio", "box"}, …]}, …]
    images/text_data/NAME/…      images/face_data/wflw/…

A ``bbox`` is ``[x0, y0, x1, y1]`` or four points ``[x, y]``, in pixels of the image, truncated to whole ones as the
released evaluation does. The field names are those that the released evaluation reads. The ``ratio`` of a word is taken
as it stands: in the result files published with the scripts it is a whole number of pixels, divided by the word's
characters and by the longer side of the image (in ``ic13``, by its width).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from vtbench.core.contracts import Sample
from vtbench.core.disk.files import inside, user_path
from vtbench.core.errors import SampleError, UsageError, VtbenchError
from vtbench.core.outside.parsing import parse_json, read_text, reason
from vtbench.data.decode import decode_image
from vtbench.data.fingerprint import Fingerprinted, digest_readable_file

TEXT_SETS = ("ic13", "ic15", "tt", "textocr", "cord", "sroie", "infograph", "docvqa")
"""The parts of the text task, in the order of the paper; other ``text_NAME.json`` files come after them, by name."""

_LAYOUT = "give the folder that holds TokBench's annotations/ and images/"
T = TypeVar("T")


@dataclass(frozen=True)
class AnnotatedImage:
    """An image file, the size its annotation states (pixels), and its instances."""

    id: str
    file: Path
    height: int
    width: int
    target: dict[str, Any]


class _TokBench(Fingerprinted):
    """Images by their annotations; a subclass says which."""

    images: tuple[AnnotatedImage, ...]

    def __getitem__(self, index: int) -> Sample:
        """Raises :class:`SampleError` where the image is broken, or is not of the size that was annotated."""
        entry = self.images[index]
        image = decode_image(entry.file, entry.id)
        height, width = image.shape[1:]
        if (height, width) != (entry.height, entry.width):
            raise SampleError(
                f"{entry.id}: the image is {width}x{height}, its annotation says {entry.width}x{entry.height}",
                "its boxes would not fit; take the image from TokBench's own archive",
            )
        return Sample(id=entry.id, image=image, target=self.target(index))

    def target(self, index: int) -> dict[str, Any]:
        """The instances of one image."""
        return dict(self.images[index].target)

    def content_digest(self, index: int) -> str:
        """SHA-256 of the image file."""
        return digest_readable_file(self.images[index].file)


class TokBenchText(_TokBench):
    """Words in natural images and documents. Ids are ``NAME/file``.

    The target is ``{"dataset": NAME, "words": [{"text", "box", "ratio"}, …]}``; ``box`` is ``[x0, y0, x1, y1]`` or four
    points ``[[x, y], …]`` of whole pixels. Words of every size are here:
    :func:`~vtbench.data.preparing.tokbench_buckets.text_bucket` says which count at a resolution.

    Args:
        path: the folder that holds ``annotations`` and ``images``.
        datasets: some of its parts, such as ``["ic13", "docvqa"]``; by default all that are there.

    Raises:
        UsageError: files are missing, or an annotation is malformed (tells which).
    """

    def __init__(self, path: str | Path, datasets: Sequence[str] | str | None = None) -> None:
        root = user_path(path)
        wanted = (datasets,) if isinstance(datasets, str) else datasets
        found = _text_files(root)
        unknown = [name for name in wanted or () if name not in found]
        if unknown or not found:
            told = f"annotations of {unknown[0]!r}" if unknown else "annotations of text (annotations/text_NAME.json)"
            raise UsageError(f"{root} has no {told}", f"found: {', '.join(found)}" if found else _LAYOUT)
        self.datasets = tuple(dict.fromkeys(wanted or found))
        self.images = tuple(image for name in self.datasets for image in _text_images(root, name, found[name]))
        self.ids = _distinct(self.images)


class TokBenchFaces(_TokBench):
    """Faces with five stored landmarks. Ids are the image's path.

    The target is ``{"faces": [{"landmarks": [[x, y], … five], "ratio", "box"}, …]}``: the eyes, the tip of the nose and
    the corners of the mouth, in pixels and in the order that insightface aligns faces by; ``box`` is ``None`` where
    there is none. :func:`~vtbench.data.preparing.tokbench_buckets.face_bucket` says which faces count at a resolution.

    Args:
        path: the folder that holds ``annotations`` and ``images``.

    Raises:
        UsageError: files are missing, or an annotation is malformed (tells which).
    """

    def __init__(self, path: str | Path) -> None:
        root = user_path(path)
        file = root / "annotations" / "face_meta.json"
        if not file.is_file():
            raise UsageError(f"{file} does not exist", _LAYOUT)
        folder = _first_folder(root / "images" / "face_data" / "wflw", root / "images" / "face_data")
        self.images = tuple(_read(file, lambda entry: _face_image(folder, entry)))
        self.ids = _distinct(self.images)


def _text_files(root: Path) -> dict[str, Path]:
    files = {path.stem.removeprefix("text_"): path for path in sorted((root / "annotations").glob("text_*.json"))}
    known = [name for name in TEXT_SETS if name in files]
    return {name: files[name] for name in (*known, *(name for name in files if name not in known))}


def _text_images(root: Path, name: str, file: Path) -> list[AnnotatedImage]:
    folder = _first_folder(root / "images" / "text_data" / name, root / "text_data" / name)
    return _read(file, lambda entry: _text_image(name, folder, entry))


def _text_image(name: str, folder: Path, entry: dict[str, Any]) -> AnnotatedImage:
    words = [
        {"text": _text(word["rec"]), "box": _box(word["bbox"]), "ratio": float(word["ratio"])}
        for word in entry["annotations"]
    ]
    file = inside(folder, _text(entry["file_name"]))
    target = {"dataset": name, "words": words}
    return AnnotatedImage(f"{name}/{entry['file_name']}", file, int(entry["height"]), int(entry["width"]), target)


def _face_image(folder: Path, entry: dict[str, Any]) -> AnnotatedImage:
    faces = []
    for face in entry["faces"]:
        landmarks = [[float(x), float(y)] for x, y in face["kps"]]
        if len(landmarks) != 5:
            raise ValueError(f"{len(landmarks)} landmarks, not 5")
        box = face.get("box")
        corners = None if box is None else [float(edge) for edge in box]
        faces.append({"landmarks": landmarks, "ratio": float(face["ratio"]), "box": corners})
    file = inside(folder, _text(entry["image_name"]))
    height, width = int(entry["img_height"]), int(entry["img_width"])
    return AnnotatedImage(entry["image_name"], file, height, width, {"faces": faces})


def _box(box: Sequence[Any]) -> list[Any]:
    if len(box) != 4:
        raise ValueError(f"a box has 4 edges or 4 points, not {len(box)}")
    if isinstance(box[0], (list, tuple)):
        return [[int(x), int(y)] for x, y in box]
    return [int(edge) for edge in box]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text")
    return value


def _read(file: Path, make: Callable[[dict[str, Any]], T]) -> list[T]:
    """Every entry of a JSON list made into something; what cannot be is told with its number."""
    entries = parse_json(read_text(file), file, "fetch it anew", UsageError)
    if not isinstance(entries, list) or not entries:
        raise UsageError(f"{file} is not a list of images", _LAYOUT)
    made = []
    for number, entry in enumerate(entries):
        try:
            made.append(make(entry))
        except VtbenchError as error:
            raise UsageError(f"{file}: entry {number}: {error.what}", error.hint) from error
        except Exception as error:
            what = f"no {error}" if isinstance(error, KeyError) else reason(error)
            raise UsageError(f"{file}: entry {number}: {what}", "it is not as TokBench publishes it") from error
    return made


def _first_folder(*folders: Path) -> Path:
    found = next((folder for folder in folders if folder.is_dir()), None)
    if found is None:
        raise UsageError(f"no images at {folders[0]}", _LAYOUT)
    return found


def _distinct(images: Sequence[AnnotatedImage]) -> tuple[str, ...]:
    ids = tuple(image.id for image in images)
    if len(set(ids)) != len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        raise UsageError(f"{twice} is annotated twice", "give every image one entry")
    return ids
