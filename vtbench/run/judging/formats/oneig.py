"""OneIG-Bench's ``*_prompt_score_*.csv``: a row a prompt, a column a model.

Layout and arithmetic are of OneIG-Bench/OneIG-Benchmark@41b4983, ``scripts/*/``. Alignment, reasoning, style and
diversity are means over prompts. Of text a row has edits, whole texts and the share of words of its images; the score
is ``1 - min(L, ED) (1 - CR) (1 - WAC) / L`` of ED and CR over images and of WAC over words, L being 100 edits in
English and 50 in Chinese. How many words a prompt has is in ``scripts/text/text_content*.csv``, which ``--questions``
takes; without it there are ED and CR alone. English and Chinese are two lists of metrics.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from vtbench.core.errors import UsageError
from vtbench.results.records.judged import part_column
from vtbench.run.judging.collecting import Collected, Value
from vtbench.run.judging.formats.words import words_of
from vtbench.run.judging.lines import MISSING, decimal, finite, parsed, table
from vtbench.run.judging.source import Brought, Format, Source

_FILE = re.compile(r"(?P<part>alignment|text|reasoning|style|diversity)_prompt_score_(?P<language>EN|ZH)(_.*)?\.csv")
_SETS = {"anime": 245, "human": 244, "object": 206, "text": 200, "reasoning": 225, "multilingualism": 200}
_OF_PART = {
    "alignment": ("anime", "human", "object", "multilingualism"),
    "diversity": ("anime", "human", "object", "text", "reasoning", "multilingualism"),
    "reasoning": ("reasoning",),
    "text": ("text",),
}
_BARE = {"reasoning": "reasoning", "style": "anime", "text": "text"}
"""Parts whose rows name no set of prompts: the one that they are of."""
_STYLED = 114


def read(source: Source) -> Brought:
    """Files of any parts, all of one language."""
    found, names, languages = Collected("prompts"), list[str](), set[str]()
    words = None if source.questions is None else _words(source.questions)
    files = [path for given in source.paths for path in _files(given)]
    for path in files:
        told = _FILE.fullmatch(path.name)
        if told is None:
            raise UsageError(f"{path} is not called as OneIG-Bench calls its files", "alignment_prompt_score_EN_….csv")
        languages.add(told["language"].lower())
        tail = "" if told["language"] == "EN" else "_zh"
        for where, prompt, cell in _cells(path, told["part"], source):
            values = _text(cell, tail, words, prompt, where) if told["part"] == "text" else None
            own = values or {f"oneig_{told['part']}{tail}": decimal(cell)}
            found.add(prompt, told["part"], own, where, {"set": prompt.partition("_")[0]})
    if len(languages) != 1:
        raise UsageError("the files are of English and Chinese prompts", "bring each language by itself")
    language = languages.pop()
    tail = "" if language == "en" else "_zh"
    heads = {column.partition(":")[0] for column in found.columns}
    names = [f"oneig_{part}{tail}" for part in _PARTS if f"oneig_{part}{tail}" in heads]
    notes = [] if words is not None or f"oneig_text_ed{tail}" not in names else [_WITHOUT_WORDS]
    expected = {name: _expected(name, language) for name in names}
    return Brought(
        found=found, metrics=names, fields=("set",), expected=expected, prompt_set=language, notes=notes, files=files
    )


_PARTS = ("alignment", "text", "reasoning", "style", "diversity", "text_ed", "text_cr")
_WITHOUT_WORDS = "no score of text: how many words prompts have is in text_content.csv, which --questions takes"


def _expected(name: str, language: str) -> int:
    part = next(part for part in sorted(_PARTS, key=len, reverse=True) if name.startswith(f"oneig_{part}"))
    part = part.partition("_")[0]
    if part == "style":
        return _STYLED if language == "en" else 0
    return sum(_SETS[name] for name in _OF_PART[part] if language == "zh" or name != "multilingualism")


def _files(given: Path) -> list[Path]:
    if not given.is_dir():
        return [given]
    files = sorted(path for path in given.iterdir() if _FILE.fullmatch(path.name))
    if not files:
        raise UsageError(f"{given} holds no file that is called alignment_prompt_score_EN_….csv", "give the files")
    return files


def _cells(path: Path, part: str, source: Source) -> list[tuple[str, str, str]]:
    """``(where, prompt, cell)`` of the model's column; the column of prompts has no name."""
    header, rows = table(path)
    models = [name for name in header[1:] if name]
    wanted = source.column or source.model
    if wanted not in models and (source.column or len(models) != 1):
        raise UsageError(f"{path} is of the models {', '.join(models) or '(none)'}", "say which: --column NAME")
    column = wanted if wanted in models else models[0]
    return [(where, _prompt(row[header[0]], part, where), row[column]) for where, row in rows]


def _prompt(name: str, part: str, where: str) -> str:
    head, _, number = name.rpartition("_")
    kind = head or _BARE.get(part, "")
    if kind not in _SETS or not (number.isascii() and number.isdigit() and len(number) < 6):
        raise UsageError(f"{where}: {name!r:.40} is no prompt of OneIG-Bench", "as anime_000, or 000 of one set alone")
    return f"{kind}_{int(number):03d}"


def _text(cell: str, tail: str, words: Mapping[str, int] | None, prompt: str, where: str) -> dict[str, Value]:
    """ED, CR and WAC of a prompt's images, the last weighted by words."""
    own = parsed(cell, where) if cell.strip() else [None] * 3
    if not isinstance(own, list) or len(own) != 3:
        raise UsageError(
            f"{where}: {cell!r:.60} is no list of edits, whole texts and words", "is it a text_prompt_score?"
        )
    edits, whole, share = (
        MISSING if isinstance(v, bool) or not isinstance(v, (int, float)) else finite(v) for v in own
    )
    values: dict[str, Value] = {f"oneig_text_ed{tail}": edits, f"oneig_text_cr{tail}": whole}
    if words is None:
        return values
    if prompt not in words:
        raise UsageError(f"{where}: {prompt} is not in the benchmark's texts", "give the text_content of this language")
    count, name = float(words[prompt]), f"oneig_text{tail}"
    return values | {
        part_column(name, "ed"): edits,
        part_column(name, "cr"): whole,
        part_column(name, "wac"): (share * count, count),
    }


def _words(questions: Path) -> dict[str, int]:
    """Words of each text, characters of a Chinese one, as the benchmark's script counts them."""
    header, rows = table(questions)
    if not {"id", "text_content"} <= set(header):
        raise UsageError(f"{questions} has no id and text_content", "give scripts/text/text_content.csv")
    return {_prompt(row["id"], "text", where): len(words_of(row["text_content"])) for where, row in rows}


_VLM = "Qwen2.5-VL-7B-Instruct"
_BY: Sequence[tuple[str, str]] = (
    *((part, _VLM) for part in ("alignment", "text", "text_ed", "text_cr")),
    ("reasoning", "LLM2CLIP"),
    ("style", "CSD+OneIG-StyleEncoder"),
    ("diversity", "DreamSim"),
)
FORMAT = Format(
    name="oneig-bench",
    summary="OneIG-Bench: alignment, text, reasoning, style and diversity; 1,120 English or 1,320 Chinese prompts.",
    files="*_prompt_score_*.csv, or the folder that holds them",
    read=read,
    source="OneIG-Bench/OneIG-Benchmark@41b4983",
    judges={f"oneig_{part}{tail}": judge for part, judge in _BY for tail in ("", "_zh")},
    prompt_sets=("en", "zh"),
    questions="scripts/text/text_content.csv, or text_content_zh.csv, for the score of text",
)
