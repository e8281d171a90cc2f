"""WISE's ``*_scores_results.jsonl``, legacy and verified (PKU-YuanGroup/WISE@eb51174): a line an image, two benchmarks.

Legacy (``WISE_legacy/Calculate.py``): ``(0.7 consistency + 0.2 realism + 0.1 aesthetic_quality) / 2``. Verified
(``calculate_verified.py``): ``score``, 0 or 1. Each is averaged by category, told from ``prompt_id``, and the six
means are weighted. Prompts, judge, marks and the ranges of ids differ, so that no column holds both. Marks outside
their scale are no marks: Verified's script passes over them, legacy's would average them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vtbench.core.errors import UsageError
from vtbench.run.judging.collecting import Collected
from vtbench.run.judging.lines import MISSING, Row, json_lines, number_of, text_of
from vtbench.run.judging.source import Brought, Format, Source

_OF = "WISE's scores"
_PROMPTS = 1000
_MARKS = {"consistency": 0.7, "realism": 0.2, "aesthetic_quality": 0.1}
_LEGACY_ENDS = {"culture": 400, "time": 567, "space": 700, "biology": 800, "physics": 900, "chemistry": 1000}
_VERIFIED_ENDS = {"culture": 400, "time": 520, "space": 640, "biology": 760, "physics": 880, "chemistry": 1000}


def read_legacy(source: Source) -> Brought:
    """Three marks of 0 to 2 a picture."""
    return _read(source, "wise", _LEGACY_ENDS, _three_marks)


def read_verified(source: Source) -> Brought:
    """Right or wrong."""
    return _read(source, "wise_verified", _VERIFIED_ENDS, _one_mark)


def _read(source: Source, metric: str, ends: Mapping[str, int], value: Callable[[Row, str], float]) -> Brought:
    found = Collected()
    for path in source.paths:
        for where, row in json_lines(path):
            prompt = text_of(row, "prompt_id", where, _OF)
            category = _category(prompt, ends, where)
            found.add(f"{int(prompt):04d}", prompt, {metric: value(row, where)}, where, {"category": category})
    expected = {metric: _PROMPTS}
    return Brought(found=found, metrics=(metric,), fields=("category",), expected=expected, files=source.paths)


def _category(prompt: str, ends: Mapping[str, int], where: str) -> str:
    number = int(prompt) if prompt.isascii() and prompt.isdigit() and len(prompt) < 5 else 0
    if not 1 <= number <= _PROMPTS:
        raise UsageError(f"{where}: prompt_id is {prompt!r:.40}, not 1 to {_PROMPTS}", f"is it a file of {_OF}?")
    return next(name for name, end in ends.items() if number <= end)


def _three_marks(row: Row, where: str) -> float:
    if "consistency" not in row and "score" in row:
        raise UsageError(f"{where} is of WISE Verified", "bring it as wise-verified: the two are two benchmarks")
    marks = {name: number_of(row, name, where, _OF) for name in _MARKS}
    if not all(0 <= mark <= 2 for mark in marks.values()):
        return MISSING
    return sum(_MARKS[name] * mark for name, mark in marks.items()) / 2


def _one_mark(row: Row, where: str) -> float:
    if "score" not in row and "consistency" in row:
        raise UsageError(f"{where} is of the legacy WISE", "bring it as wise: the two are two benchmarks")
    mark = number_of(row, "score", where, _OF)
    return mark if mark in (0.0, 1.0) else MISSING


LEGACY = Format(
    name="wise",
    summary="WISE as its paper has it: world knowledge in six categories, three marks of a GPT; 1,000 prompts.",
    files="*_scores_results.jsonl, as many as there are",
    read=read_legacy,
    source="PKU-YuanGroup/WISE@eb51174",
    per_prompt=1,
)
VERIFIED = Format(
    name="wise-verified",
    summary="WISE Verified: about 200 prompts of WISE changed, another judge, right or wrong; 1,000 prompts.",
    files="*_scores_results.jsonl, as many as there are",
    read=read_verified,
    source="PKU-YuanGroup/WISE@eb51174",
    per_prompt=1,
)
