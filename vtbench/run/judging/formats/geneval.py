"""GenEval's ``results.jsonl`` (djghosh13/geneval@af4902f, ``evaluation/evaluate_images.py``): a line an image.

``summary_scores.py`` takes the mean of ``correct`` over images in each of six tags and the unweighted mean of the
six; beside it the share of images, and of prompts (equal ``metadata``), that are right. All are met here. Its
evaluation passes over folders that are not called by digits and files that are no ``\\d+.png`` without a word: their
absence is told.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from vtbench.run.judging.collecting import Collected
from vtbench.run.judging.lines import json_lines, number_of, text_of
from vtbench.run.judging.source import Brought, Format, Source

_OF = "GenEval's results.jsonl"
_PROMPTS = 553


def read(source: Source) -> Brought:
    """Lines of ``filename``, ``tag``, ``prompt`` and ``correct``; other fields are not looked at."""
    found = Collected()
    for path in source.paths:
        for where, row in json_lines(path):
            prompt, tag = text_of(row, "prompt", where, _OF), text_of(row, "tag", where, _OF)
            image = text_of(row, "filename", where, _OF).replace("\\", "/")
            correct = number_of(row, "correct", where, _OF)
            place = "/".join(PurePosixPath(image).parts[-3:])  # 00000/samples/0000.png, wherever the folder was
            found.add(prompt, place, {"geneval": correct, "geneval_images": correct}, where, {"tag": tag}, prompt)
    found.add_best("geneval_prompts", "geneval")
    names = ("geneval", "geneval_images", "geneval_prompts")
    expected = dict.fromkeys(names, _PROMPTS)
    return Brought(found=found, metrics=names, fields=("tag",), expected=expected, files=source.paths)


FORMAT = Format(
    name="geneval",
    summary="GenEval: objects, counts, colours and places, as a detector finds them; 553 prompts, four images each.",
    files="results.jsonl",
    read=read,
    source="djghosh13/geneval@af4902f",
    per_prompt=4,
    judge="mask2former-swin-s-coco",
    texts={"": "0794078303f5c13e"},
)
