"""UniGenBench's result CSV: a row an image, with which points of its prompt are met.

CodeGoat24/UniGenBench@49d0bce, ``eval/src/eval_common.py``. Of each dimension, and each point below it, the share of
points of all images whose score is 1. The script prints those and no overall number: here it is the unweighted mean
of the ten dimensions. Rows whose answer could not be parsed hold ``null``, are passed over by the script, and are
counted here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from vtbench.core.errors import UsageError
from vtbench.results.records.judged import part_column
from vtbench.run.judging.collecting import Collected, Value
from vtbench.run.judging.lines import MISSING, parsed, table
from vtbench.run.judging.source import Brought, Format, Source

_OF = "UniGenBench's results"
_PROMPTS = 600
SETS = {"en": "", "en-long": "_long", "zh": "_zh", "zh-long": "_zh_long"}
_CALLED = re.compile(r".*_(?P<set>en|en_long|zh|zh_long)\.csv")
_NEEDED = ("index", "prompt", "result_json", "img_path")


def read(source: Source) -> Brought:
    """Files of one of the four lists of prompts."""
    chosen = source.prompt_set or _by_name(source.paths)
    metric, found = f"unigenbench{SETS[chosen]}", Collected()
    for path in source.paths:
        header, rows = table(path)
        lacking = [name for name in _NEEDED if name not in header]
        if lacking:
            raise UsageError(f"{path} has no column {lacking[0]}", f"is it a file of {_OF}?")
        for where, row in rows:
            prompt, image = _index(row["index"], where), PurePosixPath(row["img_path"].replace("\\", "/")).name
            found.add(prompt, image, _values(metric, row["result_json"], where), where, text=row["prompt"])
    return Brought(found=found, metrics=(metric,), expected={metric: _PROMPTS}, prompt_set=chosen, files=source.paths)


def _by_name(paths: Sequence[Path]) -> str:
    """``en_long`` of ``flux_en_long.csv``; ``en`` where names say nothing."""
    told = {found["set"].replace("_", "-") for path in paths if (found := _CALLED.fullmatch(path.name))}
    if len(told) > 1:
        raise UsageError(f"the files are of {' and '.join(sorted(told))}", "bring each list of prompts by itself")
    return told.pop() if told else "en"


def _values(metric: str, cell: str, where: str) -> dict[str, Value]:
    content = parsed(cell, where) if cell.strip() else None
    if content is None:
        return {part_column(metric, "dimension="): MISSING}
    points, scores = _lists(content, where)
    totals: dict[str, list[float]] = {}
    for point, score in zip(points, scores, strict=True):
        dimension = point.split("-", 1)[0].strip()
        for part in dict.fromkeys((f"dimension={dimension}", f"testpoint={point}")):
            totals.setdefault(part_column(metric, part), []).append(100.0 * (score == 1))
    return {column: (sum(own), float(len(own))) for column, own in totals.items()}


def _lists(content: Any, where: str) -> tuple[list[str], list[float]]:
    points, scores = (
        (content.get(name) for name in ("testpoint", "score")) if isinstance(content, dict) else (None, None)
    )
    if not isinstance(points, list) or not isinstance(scores, list) or len(points) != len(scores) or not points:
        raise UsageError(f"{where}: result_json holds no testpoint and score of one length", f"is it a file of {_OF}?")
    if not all(isinstance(point, str) and point.strip() for point in points):
        raise UsageError(f"{where}: a testpoint is no text", f"is it a file of {_OF}?")
    if not all(isinstance(score, (int, float)) for score in scores):
        raise UsageError(f"{where}: a score is no number", f"is it a file of {_OF}?")
    return points, scores


def _index(text: str, where: str) -> str:
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise UsageError(f"{where}: index is {text!r:.40}", f"is it a file of {_OF}?")
    return f"{int(text):04d}"


FORMAT = Format(
    name="unigenbench",
    summary="UniGenBench and ++: ten dimensions of a model's answers; four lists of 600 prompts, four images each.",
    files="the CSV that the script writes",
    read=read,
    source="CodeGoat24/UniGenBench@49d0bce",
    per_prompt=4,
    prompt_sets=tuple(SETS),
    texts={
        "en": "9ef652ee89944829",
        "en-long": "fc4ced28f568483b",
        "zh": "b98750760dca5841",
        "zh-long": "284aac247a73385a",
    },
)
