"""DPG-Bench's ``*_results.txt``: a line a picture of one to four tiles.

Its score (TencentQQGYLab/ELLA@3c228f1, ``dpg_bench/compute_dpg_bench.py``) is the mean over pictures of the mean over
tiles of the share of questions answered yes, a question whose parent is answered no counting as no; times 100. Three
faults are in every published number: the first row of the csv is skipped, so that a question is never asked (and its
picture is passed over where another question hangs on it); scores by category are of answers that are not yet set to
no, of the last tile alone; pictures that fail are printed and passed over.

``*_results.txt`` alone gives that number, ``compat_dpg_bench``. With ``dpg_bench.csv`` as ``--questions`` the answers
are read from ``*_detail.txt`` beside it: ``dpg_bench``, over every picture that was asked, by category over all tiles
after parents were looked at; and the script's own categories under the other name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from vtbench.core.errors import UsageError
from vtbench.core.outside.parsing import read_text
from vtbench.results.records.judged import part_column
from vtbench.run.judging.collecting import Collected, Value
from vtbench.run.judging.formats.dpg_questions import Answers, asked_of, parents_heeded
from vtbench.run.judging.lines import decimal
from vtbench.run.judging.source import Brought, Format, Source

OURS, THEIRS = "dpg_bench", "compat_dpg_bench"
_OF = "DPG-Bench's results"
_PROMPTS = 1065
_SUMMARY = ("Model:", "L1 category scores:", "L2 category scores:", "\t", "Image path:", "Save results to:")
_PRINTED = "DPG-Bench score:"
_DETAIL = re.compile(r"(?P<image>.*?), \((?P<x>\d+), (?P<y>\d+), \d+, \d+\), (?P<question>.*), (?P<answer>[^,]*)")
_NEAR = 1e-6


def read(source: Source) -> Brought:
    """Files ``*_results.txt``, with ``*_detail.txt`` beside each where questions are given."""
    found, notes, names, files = Collected("pictures"), list[str](), [THEIRS], list(source.paths)
    for path in source.paths:
        notes += _printed_otherwise(path, *_results(path, found))
    if source.questions is not None:
        names, questions = [OURS, THEIRS], asked_of(source.questions)
        for path in source.paths:
            files.append(detail := _beside(path))
            for picture, answers in _answers(detail, questions).items():
                theirs = _their_parts(answers) if found.has(picture) else {}  # else the script failed on it
                found.add(picture, "answers", {**_ours(answers), **theirs}, str(detail))
        notes += _unasked(found, questions)
    expected = dict.fromkeys(names, _PROMPTS)
    return Brought(found=found, metrics=names, expected=expected, notes=notes, files=files)


def _results(path: Path, found: Collected) -> tuple[float | None, list[float]]:
    """Pictures' means into ``found``; what the script printed in the end, and the means."""
    means, printed = [], None
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.startswith(_PRINTED):
            printed = decimal(line.removeprefix(_PRINTED))
        elif line.strip() and not line.startswith(_SUMMARY):
            name, mean = _line(line, f"{path}:{number}")
            found.add(name, "results", {THEIRS: 100.0 * mean}, f"{path}:{number}")
            means.append(mean)
    if not means:
        raise UsageError(f"{path} holds no results", "give the file that ends in _results.txt")
    return printed, means


def _line(line: str, where: str) -> tuple[str, float]:
    """``PATH, s1, …, s4, mean``, of one to four tiles."""
    cells = line.split(", ")
    numbers: list[float] = []
    while len(cells) > 1 and len(numbers) < 5 and decimal(cells[-1]) == decimal(cells[-1]):
        numbers.insert(0, decimal(cells.pop()))
    *tiles, mean = numbers or [0.0]
    if not tiles or abs(sum(tiles) / len(tiles) - mean) > _NEAR or not all(0 <= tile <= 1 for tile in tiles):
        told = f"{where}: {line!r:.80} is no path, scores of tiles and their mean"
        raise UsageError(told, f"is it a file of {_OF}?")
    return _name(", ".join(cells)), mean


def _name(image: str) -> str:
    """The benchmark's id of a picture, as the script takes it: its file's name up to the first dot."""
    return PurePosixPath(image.replace("\\", "/")).name.split(".")[0]


def _printed_otherwise(path: Path, printed: float | None, means: list[float]) -> Iterator[str]:
    value = 100.0 * sum(means) / len(means)
    if printed is not None and abs(printed - value) > 1e-4:
        yield f"{path.name} says {printed:.4f} in the end, its lines give {value:.4f}: are lines of two runs in it?"


def _beside(path: Path) -> Path:
    detail = path.with_name(path.name.replace(".txt", "_detail.txt"))
    if not detail.is_file():
        raise UsageError(f"there is no {detail}", "answers are read from it; the score alone needs no --questions")
    return detail


def _answers(detail: Path, questions: dict[str, Answers]) -> dict[str, Answers]:
    """Answers by picture, tile by tile."""
    found: dict[str, Answers] = {}
    for number, line in enumerate(read_text(detail).split("\n"), start=1):
        if not line.strip():
            continue
        told, where = _DETAIL.fullmatch(line), f"{detail}:{number}"
        if told is None:
            raise UsageError(f"{where}: {line!r:.80} is no path, tile, question and answer", f"is it a file of {_OF}?")
        name = _name(told["image"])
        if name not in questions:
            raise UsageError(
                f"{where}: {name!r:.60} is no item of the questions", "give the benchmark's own dpg_bench.csv"
            )
        own = found.setdefault(name, questions[name].unanswered())
        own.take((int(told["y"]), int(told["x"])), told["question"], told["answer"] == "yes", where)
    if not found:
        raise UsageError(f"{detail} holds no answers", "give the folder's own files")
    return found


def _ours(answers: Answers) -> dict[str, Value]:
    """Of all tiles, after parents were looked at: the mean of tiles, and yes and asked by category."""
    tiles = [parents_heeded(answers, tile) for tile in answers.tiles.values()]
    shares = [sum(tile.values()) / len(tile) for tile in tiles]
    values: dict[str, Value] = {OURS: 100.0 * sum(shares) / len(shares)}
    for category in sorted({*answers.categories.values()}):
        own = [yes for tile in tiles for question, yes in tile.items() if answers.categories[question] == category]
        if own:
            values[part_column(OURS, f"category={category}")] = (100.0 * sum(own), float(len(own)))
    return values


def _their_parts(answers: Answers) -> dict[str, Value]:
    """By category, of the last tile as it was answered."""
    last = answers.tiles[max(answers.tiles)]
    values: dict[str, Value] = {}
    for category in sorted({*answers.categories.values()}):
        own = [float(yes) for question, yes in last.items() if answers.categories[question] == category]
        if own:
            values[part_column(THEIRS, f"category={category}")] = (100.0 * sum(own), float(len(own)))
    return values


def _unasked(found: Collected, questions: dict[str, Answers]) -> Iterator[str]:
    first = next(iter(questions))
    if found.has(first):
        yield f"the script skips the first row of its questions: {first} is judged without its first question"
    missing = [name for name in questions if not found.has(name)]
    if missing:
        yield f"{len(missing)} items of the questions were not asked, {missing[0]} first"


FORMAT = Format(
    name="dpg-bench",
    summary="DPG-Bench: questions to pictures of dense prompts; 1,065 prompts, four tiles a picture.",
    files="*_results.txt",
    read=read,
    source="TencentQQGYLab/ELLA@3c228f1",
    judge="mplug_visual-question-answering_coco_large_en",
    questions="dpg_bench.csv, for the score without its script's faults and for categories",
)
