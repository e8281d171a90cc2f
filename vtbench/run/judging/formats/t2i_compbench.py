"""T2I-CompBench's ``vqa_result.json``, as its scripts leave them below a category's folder.

Karine-Huang/T2I-CompBench@1b70949. A list of ``{"question_id": …, "answer": …}``, an image each, ten of every prompt:
``BLIPvqa_eval/BLIP_vqa.py`` (answers cut to four digits), ``UniDet_eval/*_eval.py``,
``CLIPScore_eval/CLIP_similarity.py`` and ``3_in_1_eval/3_in_1.py``. Each prints the mean over images. What the
scripts take for a category is in its folder's name here: ``color``, ``shape`` …
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vtbench.core.errors import UsageError
from vtbench.core.outside.parsing import read_text
from vtbench.run.judging.collecting import Collected
from vtbench.run.judging.lines import Row, decimal, number_of, parsed, text_of
from vtbench.run.judging.source import Brought, Format, Source

_OF = "T2I-CompBench's vqa_result.json"
_PROMPTS = 300
_BLIP = "annotation_blip"
PLACES = {
    "color": _BLIP,
    "shape": _BLIP,
    "texture": _BLIP,
    "spatial": "labels/annotation_obj_detection_2d",
    "spatial_3d": "labels/annotation_obj_detection_3d",
    "numeracy": "annotation_num",
    "non_spatial": "annotation_clip",
    "complex": "annotation_3_in_1",
}
"""Where below a category's folder its file lies."""
_ALSO = {"3d_spatial": "spatial_3d"}
_RESULT = "vqa_result.json"


def read(source: Source) -> Brought:
    """Folders of a category each, or a folder that holds such folders."""
    found, names, files = Collected(), list[str](), list[Path]()
    for category, path in _files(source):
        names.append(metric := f"t2i_compbench_{category}")
        files.append(path)
        for where, row in _rows(path):
            place = _place(text_of(row, "question_id", where, _OF), where)
            prompt = f"{category}/{place // source.per_prompt:05d}"
            answer = row.get("answer")
            value = decimal(answer) if isinstance(answer, str) else number_of(row, "answer", where, _OF)
            found.add(prompt, f"{category}/{place:06d}", {metric: value}, where)
    expected = dict.fromkeys(names, _PROMPTS)
    return Brought(found=found, metrics=names, expected=expected, files=files)


def _files(source: Source) -> Iterator[tuple[str, Path]]:
    seen: dict[str, Path] = {}
    for folder in source.paths:
        own = [folder] if _category(folder) else [path for path in sorted(_folders(folder)) if _category(path)]
        if not own:
            raise UsageError(
                f"{folder} is no category of T2I-CompBench and holds none", f"folders are called {', '.join(PLACES)}"
            )
        for place in own:
            category = _category(place)
            path = place / PLACES[category] / _RESULT
            if not path.is_file():
                raise UsageError(f"there is no {path}", f"the script of {category} writes it")
            if category in seen:
                raise UsageError(f"{category} is given twice: {seen[category]} and {place}", "bring each by itself")
            seen[category] = place
            yield category, path


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder", "give the folder of a category, or one that holds them")
    return [path for path in folder.iterdir() if path.is_dir()]


def _category(folder: Path) -> str:
    """By the folder's name; empty where it is none."""
    name = folder.resolve().name.replace("-", "_")
    name = _ALSO.get(name, name)
    return name if name in PLACES else ""


def _rows(path: Path) -> Iterator[tuple[str, Row]]:
    content: Any = parsed(read_text(path), str(path))
    if not isinstance(content, list) or not content:
        raise UsageError(f"{path} holds no list of answers", f"is it {_OF}?")
    for place, row in enumerate(content, start=1):
        if not isinstance(row, dict):
            raise UsageError(f"{path}: answer {place} is no object", f"is it {_OF}?")
        yield f"{path}: answer {place}", row


def _place(text: str, where: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise UsageError(f"{where}: question_id is {text!r:.40}", f"is it {_OF}?")
    return int(text)


FORMAT = Format(
    name="t2i-compbench",
    summary="T2I-CompBench and ++: attributes, relations, numbers, combinations; 300 prompts of each, ten images each.",
    files="a folder a category, called color, shape, texture, spatial, spatial_3d, numeracy, non_spatial, complex",
    read=read,
    source="Karine-Huang/T2I-CompBench@1b70949",
    per_prompt=10,
    judges={
        **{f"t2i_compbench_{name}": "BLIP-VQA" for name in ("color", "shape", "texture")},
        **{f"t2i_compbench_{name}": "UniDet" for name in ("spatial", "numeracy")},
        "t2i_compbench_spatial_3d": "UniDet+DPT",
        "t2i_compbench_non_spatial": "CLIP-ViT-B/32",
        "t2i_compbench_complex": "3-in-1",
    },
)
