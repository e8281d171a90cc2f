"""DPG-Bench's questions, ``dpg_bench.csv``: which hang on which, their categories, and what a picture answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vtbench.core.errors import UsageError
from vtbench.run.judging.lines import Row, table

_NEEDED = ("item_id", "proposition_id", "dependency", "tuple", "question_natural_language")
Tile = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Answers:
    """Questions of one item, in the order of the file, and their answers by tile.

    Attributes:
        parents: of each question, by its number.
        categories: of each, the coarse one: ``entity`` of ``entity - whole (boat)``.
        numbers: of questions by their text; one text may stand for several.
        tiles: answers by row and column of the tile.
    """

    parents: dict[int, tuple[int, ...]] = field(default_factory=dict)
    categories: dict[int, str] = field(default_factory=dict)
    numbers: dict[str, list[int]] = field(default_factory=dict)
    tiles: dict[Tile, dict[int, bool]] = field(default_factory=dict)

    def unanswered(self) -> Answers:
        """The same questions, of another picture."""
        return Answers(self.parents, self.categories, self.numbers)

    def take(self, tile: Tile, question: str, yes: bool, where: str) -> None:
        """Keep an answer.

        Raises:
            UsageError: it is none of the item's questions, or was answered otherwise before.
        """
        if question not in self.numbers:
            told = f"{where}: {question!r:.60} is not asked of this item"
            raise UsageError(told, "give the benchmark's own dpg_bench.csv")
        own = self.tiles.setdefault(tile, {})
        for number in self.numbers[question]:
            if own.setdefault(number, yes) != yes:
                told = f"{where}: {question!r:.60} was answered otherwise before"
                raise UsageError(told, "two runs in one file? bring each by itself")


def asked_of(path: Path) -> dict[str, Answers]:
    """Every item's questions, in the order of the file.

    Raises:
        UsageError: it cannot be read, or lacks a column.
    """
    header, rows = table(path)
    lacking = [name for name in _NEEDED if name not in header]
    if lacking:
        raise UsageError(f"{path} has no column {lacking[0]}", "give the benchmark's own dpg_bench.csv")
    items: dict[str, Answers] = {}
    for where, row in rows:
        own, number = items.setdefault(row["item_id"], Answers()), _number(row, "proposition_id", where)
        own.parents[number] = tuple(_whole(part, where) for part in row["dependency"].split(","))
        own.categories[number] = row["tuple"].split("(")[0].split("-")[0].strip()
        own.numbers.setdefault(row["question_natural_language"], []).append(number)
    if not items:
        raise UsageError(f"{path} holds no questions", "give the benchmark's own dpg_bench.csv")
    return items


def parents_heeded(answers: Answers, tile: Mapping[int, bool]) -> dict[int, float]:
    """1 for yes and 0 for no, in the order of the file: no, too, where a parent's answer by then is no."""
    found = {number: float(yes) for number, yes in tile.items()}
    for number, parents in answers.parents.items():
        if number in found and any(found.get(parent, 1.0) == 0 for parent in parents if parent):
            found[number] = 0.0
    return found


def _number(row: Row, column: str, where: str) -> int:
    return _whole(row[column], where)


def _whole(text: str, where: str) -> int:
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 7):
        raise UsageError(f"{where}: {text!r:.40} is no number of a question", "give the benchmark's own dpg_bench.csv")
    return int(digits)
