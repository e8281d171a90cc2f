"""GenEval 2's lists of scores (facebookresearch/GenEval2@a6e82d2, ``evaluation.py``): a list of answers a prompt.

Soft-TIFA GM is the mean over prompts of the geometric mean of a prompt's answers, AM that of the arithmetic one,
times 100. With ``geneval2_data.jsonl`` as ``--questions`` also AM by skill, over all answers of one
(``soft_tifa_analysis.py``), and GM by the number of atoms. The same script writes lists of other methods: those of
one score a prompt are refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vtbench.core.errors import UsageError
from vtbench.core.outside.parsing import read_text
from vtbench.results.records.judged import part_column
from vtbench.run.judging.collecting import Collected, Value
from vtbench.run.judging.lines import MISSING, finite, json_lines, parsed, text_of
from vtbench.run.judging.source import Brought, Format, Source

_OF = "GenEval 2's"
_PROMPTS = 800
_ABOVE_ONE = 1.001
"""A sum of probabilities may be a little more than 1."""


def read(source: Source) -> Brought:
    """One file of lists, in the order of the benchmark's prompts."""
    path = _only(source.paths)
    lists = _lists(path)
    asked = [] if source.questions is None else _asked(source.questions)
    if asked and len(asked) != len(lists):
        raise UsageError(
            f"{path} has {len(lists)} lists, {source.questions} {len(asked)} prompts", "give those of a run"
        )
    found = Collected("prompts")
    for place, answers in enumerate(lists):
        where = f"{path}: list {place + 1}"
        skills, atoms = asked[place] if asked else ((), "")
        if asked and len(skills) != len(answers):
            raise UsageError(f"{where} has {len(answers)} scores, the prompt {len(skills)} questions", "other prompts?")
        found.add(f"{place:04d}", "", _values(answers, skills), where, {"atoms": atoms} if atoms else {})
    names = ("geneval2_gm", "geneval2_am")
    expected = dict.fromkeys(names, _PROMPTS)
    return Brought(found=found, metrics=names, fields=("atoms",) if asked else (), expected=expected, files=[path])


def _only(paths: Sequence[Path]) -> Path:
    if len(paths) != 1:
        raise UsageError(f"{len(paths)} files are given, and one holds the scores of all prompts", "give one")
    return paths[0]


def _lists(path: Path) -> list[list[float]]:
    content = parsed(read_text(path), str(path))
    if not isinstance(content, list) or not content:
        raise UsageError(f"{path} holds no list of lists of scores", f"is it {_OF} --output_file?")
    lists = [_scores(path, place, entry) for place, entry in enumerate(content, start=1)]
    if all(len(answers) == 1 for answers in lists):
        raise UsageError(f"{path} has one score a prompt: VQAScore's, not Soft-TIFA's", "bring that as judgements")
    return lists


def _scores(path: Path, place: int, entry: Any) -> list[float]:
    if not isinstance(entry, list) or not entry or any(isinstance(v, bool) for v in entry):
        raise UsageError(f"{path}: list {place} is {entry!r:.40}", f"is it {_OF} --output_file?")
    if not all(value is None or isinstance(value, (int, float)) for value in entry):
        raise UsageError(f"{path}: list {place} holds something that is no number", f"is it {_OF} --output_file?")
    scores = [MISSING if value is None else finite(value) for value in entry]
    return [score if 0 <= score <= _ABOVE_ONE else MISSING for score in scores]


def _asked(questions: Path) -> list[tuple[tuple[str, ...], str]]:
    """Skill of each question, and the number of atoms, of every prompt."""
    asked = []
    for where, row in json_lines(questions):
        skills = row.get("skills")
        if not isinstance(skills, list) or not all(isinstance(skill, str) for skill in skills):
            raise UsageError(f"{where}: skills is no list of words", f"is it {_OF} geneval2_data.jsonl?")
        asked.append((tuple(skills), text_of(row, "atom_count", where, f"{_OF} data")))
    return asked


def _values(answers: Sequence[float], skills: Sequence[str]) -> dict[str, Value]:
    """In per cent; a prompt with an answer that is no probability has no value."""
    if any(math.isnan(answer) for answer in answers):
        return {"geneval2_gm": MISSING, "geneval2_am": MISSING}
    mean = math.exp(math.fsum(map(math.log, answers)) / len(answers)) if all(answers) else 0.0
    by_skill = {skill: [a for a, s in zip(answers, skills, strict=True) if s == skill] for skill in sorted({*skills})}
    parts = {part_column("geneval2_am", f"skill={skill}"): own for skill, own in by_skill.items()}
    return {
        "geneval2_gm": 100.0 * mean,
        "geneval2_am": 100.0 * math.fsum(answers) / len(answers),
        **{name: (100.0 * math.fsum(own), float(len(own))) for name, own in parts.items()},
    }


FORMAT = Format(
    name="geneval2",
    summary="GenEval 2: Soft-TIFA, a model's answers to questions of each prompt; 800 prompts, an image each.",
    files="the JSON file that --output_file names, of soft_tifa_gm or soft_tifa_am",
    read=read,
    source="facebookresearch/GenEval2@a6e82d2",
    per_prompt=1,
    judge="Qwen3-VL-8B-Instruct",
    questions="geneval2_data.jsonl, for strata by skill and by atoms",
)
