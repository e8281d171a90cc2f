"""What the page is made of: sections with one table each, rows of cells, and what a row opens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vtbench.report.leaderboards.facts import Facts
from vtbench.report.series import Chart
from vtbench.report.tables import Cell

Origin = Literal["measured", "reported"]
NOT_STATED = "–"


@dataclass(frozen=True)
class Sheet:
    """What a row opens.

    Attributes:
        fields: names and texts.
        command: what measures it again; empty where nothing does.
        about: words above the command, or instead of it.
        protocol: id of the protocol, which the page shows whole; empty where the fields say what is known of it.
        card: name of the card that the page shows whole; empty where there is none.
    """

    fields: tuple[tuple[str, str], ...]
    command: str = ""
    about: str = ""
    protocol: str = ""
    card: str = ""


@dataclass(frozen=True)
class Line:
    """One row: the model as its table calls it, what it is filtered by, its cells, and what it opens."""

    label: str
    facts: Facts
    cells: tuple[Cell, ...]
    sheet: Sheet


@dataclass(frozen=True)
class Section:
    """A table of rows of one origin, with its charts.

    Attributes:
        title: of a task, or the protocol as sources state it.
        origin: measured and reported rows never share a section, hence no column.
        families: leaderboards it belongs to.
        about: one sentence below the title.
        foot: below the table.
        headers: of the cells; the model comes before them.
        lines: rows.
        charts: their series are named as rows are.
    """

    title: str
    origin: Origin
    families: tuple[str, ...]
    about: str
    foot: str
    headers: tuple[str, ...]
    lines: tuple[Line, ...]
    charts: tuple[Chart, ...]


def number_cell(value: float | None, digits: int = 6) -> Cell:
    """A number, and what it is sorted by."""
    if value is None:
        return Cell(NOT_STATED)
    return Cell("∞" if value == float("inf") else f"{value:.{digits}g}", repr(value))


def text_cell(text: str) -> Cell:
    """A text; one that is empty is not stated, and sorts last."""
    return Cell(text or NOT_STATED, text)
