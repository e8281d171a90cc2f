"""LongText-Bench's ``results.jsonl``: a line an image, with what was read on it.

X-Omni-Team/X-Omni@2b8237b, ``textbench/``. The score is words that both the prompt's texts and the reading have, as
bags, over the words of the texts, added up over all images; in Chinese characters, capital and small told apart there
and not in English. It is computed from the texts again, whether ``summary_scores.py`` went over the file or not.

``evaluate_text_reward.py`` means to take out what its reader says where it reads nothing, but begins anew with each
phrase and looks for a full stop that its reader is not told to write: ``addCriterion`` and ``No text recognized``
count as read. That number is ``compat_longtext_bench``; ``longtext_bench`` leaves both out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from vtbench.core.errors import UsageError
from vtbench.run.judging.collecting import Collected
from vtbench.run.judging.formats.words import kept, shared
from vtbench.run.judging.lines import Row, json_lines, text_of
from vtbench.run.judging.source import Brought, Format, Source

_OF = "LongText-Bench's results"
_PROMPTS = 160
_SAID = re.compile(r"addCriterion|No text recognized\.?", re.IGNORECASE)
_SPACE = re.compile(r"\s+")


def read(source: Source) -> Brought:
    """Lines of ``image``, ``ocr_gt`` and ``ocr_results``; of one language."""
    chinese = source.prompt_set == "zh"
    tail = "_zh" if chinese else ""
    ours, theirs = f"longtext_bench{tail}", f"compat_longtext_bench{tail}"
    found, about = Collected(), {} if source.questions is None else _about(source.questions)
    for path in source.paths:
        for where, row in json_lines(path):
            image = PurePosixPath(text_of(row, "image", where, _OF).replace("\\", "/")).name
            prompt = _prompt(image, where)
            wanted = _bag(_wanted(row, where), chinese)
            if not wanted:
                raise UsageError(f"{where}: ocr_gt is empty", f"is it a file of {_OF}?")
            reading = _reading(row, where)
            hits = {
                ours: shared(wanted, _bag(_SAID.sub("", reading), chinese)),
                theirs: shared(wanted, _bag(reading, chinese)),
            }
            values = {name: (float(count), float(len(wanted))) for name, count in hits.items()}
            text = row.get("prompt")
            found.add(prompt, image, values, where, about.get(prompt, {}), text if isinstance(text, str) else "")
    fields = ("category", "length") if about else ()
    expected = {ours: _PROMPTS, theirs: _PROMPTS}
    return Brought(
        found=found, metrics=(ours, theirs), fields=fields, expected=expected, prompt_set=source.prompt_set,
        files=source.paths,
    )  # fmt: skip


def _wanted(row: Row, where: str) -> str:
    wanted = row.get("ocr_gt")
    if isinstance(wanted, list) and all(isinstance(text, str) for text in wanted):
        return " ".join(wanted)
    if not isinstance(wanted, str):
        raise UsageError(f"{where}: ocr_gt is neither a text nor a list of texts", f"is it a file of {_OF}?")
    return wanted


def _reading(row: Row, where: str) -> str:
    reading = row.get("ocr_results")
    if not isinstance(reading, str):
        raise UsageError(f"{where}: ocr_results is no text", f"is it a file of {_OF}?")
    return reading


def _bag(text: str, chinese: bool) -> Sequence[str]:
    return _SPACE.sub("", kept(text)) if chinese else kept(text).lower().split()


def _prompt(image: str, where: str) -> str:
    """``0017`` of ``0017_3.png``."""
    number = image.split(".")[0].partition("_")[0]
    if not (number.isascii() and number.isdigit() and len(number) < 9):
        raise UsageError(f"{where}: {image!r:.60} begins with no number of a prompt", "as 0017_3.png")
    return f"{int(number):04d}"


def _about(questions: Path) -> dict[str, Mapping[str, str]]:
    told = dict[str, Mapping[str, str]]()
    for where, row in json_lines(questions):
        fields = {name: text_of(row, name, where, "LongText-Bench's prompts") for name in ("category", "length")}
        number = text_of(row, "prompt_id", where, "LongText-Bench's prompts")
        told[_prompt(number, where)] = fields
    return told


FORMAT = Format(
    name="longtext-bench",
    summary="LongText-Bench: long texts in images, read by a language model; 160 prompts a language, four images each.",
    files="results.jsonl",
    read=read,
    source="X-Omni-Team/X-Omni@2b8237b",
    per_prompt=4,
    judge="Qwen2.5-VL-7B-Instruct",
    prompt_sets=("en", "zh"),
    texts={"en": "64305d6ff51da928", "zh": "403d281837fa9670"},
    questions="text_prompts.jsonl, or text_prompts_zh.jsonl, for strata by category and length",
)
