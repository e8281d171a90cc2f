"""Reported rows: a section for each protocol that sources state alike, and one a file for all other numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from vtbench.report.leaderboards.beside import measured_here
from vtbench.report.leaderboards.facts import Card, Facts, month_of, side_of
from vtbench.report.leaderboards.reported_charts import reported_charts
from vtbench.report.leaderboards.rows import Line, Section, Sheet, number_cell, text_cell
from vtbench.report.tables import Cell
from vtbench.results.leaderboards.columns import FAMILIES
from vtbench.results.leaderboards.published import ReportedRow
from vtbench.results.leaderboards.reported import families_of, origin_of

_FEWEST = 3
"""Models that a protocol needs for a table of its own."""
_FACTS = ("card", "bits/pixel", "px", "licence", "paper")
_ABOUT = "As their sources report them: nothing here was measured by vtbench."
Group = tuple[ReportedRow, ...]


def reported_sections(rows: Sequence[ReportedRow], cards: Mapping[str, Card]) -> list[Section]:
    """Sections of the published numbers of a leaderboard folder, file by file; within one, the largest first.

    Args:
        rows: as read.
        cards: by the model's name as its source has it.
    """
    sections = []
    counts = Counter(row.file for row in rows)
    for file in sorted(counts, key=lambda file: (_place(file), -counts[file], file)):
        groups = _grouped((row for row in rows if row.file == file), lambda row: (row.protocol,))
        own = [group for group in groups if len({row.model for row in group}) >= _FEWEST]
        sections += [_table(group, cards) for group in sorted(own, key=len, reverse=True)]
        rest = tuple(row for group in groups if group not in own for row in group)
        if rest:
            sections.append(_list(file, rest, cards))
    return sections


def _table(rows: Group, cards: Mapping[str, Card]) -> Section:
    """Rows of one protocol: a line a model and source, a column a metric and stratum."""
    columns = list(dict.fromkeys(map(_column, rows)))
    entries = _grouped(rows, lambda row: (row.model, row.source, row.table))
    entries.sort(key=lambda entry: _order(entry, cards))
    lines = tuple(_line(entry, cards, _values(entry, columns)) for entry in entries)
    return Section(
        title=rows[0].protocol,
        origin="reported",
        families=families_of(rows[0].file),
        about=_ABOUT,
        foot="",
        headers=(*_FACTS, *columns, "source"),
        lines=lines,
        charts=reported_charts(rows, cards),
    )


def _list(file: str, rows: Group, cards: Mapping[str, Card]) -> Section:
    """Numbers of protocols that too few models share, a line each."""
    lines = [
        _line((row,), cards, [text_cell(_column(row)), number_cell(row.value), text_cell(row.protocol)])
        for row in sorted(rows, key=lambda row: _order((row,), cards))
    ]
    return Section(
        title=f"{file}: protocols of few rows",
        origin="reported",
        families=families_of(file),
        about=f"{_ABOUT} Rows of different protocols do not compare.",
        foot="",
        headers=(*_FACTS, "metric", "value", "protocol", "source"),
        lines=tuple(lines),
        charts=(),
    )


def _line(entry: Group, cards: Mapping[str, Card], values: Iterable[Cell]) -> Line:
    first = entry[0]
    card, facts = cards.get(first.model), _facts(first, cards.get(first.model))
    known = (text_cell("" if card is None else card.name), number_cell(facts.rate, 4), text_cell(facts.size))
    dated = (text_cell(facts.licence), text_cell(facts.date))
    return Line(first.model, facts, (*known, *dated, *values, text_cell(origin_of(first))), _sheet(entry, card))


def _facts(row: ReportedRow, card: Card | None) -> Facts:
    """Of a reported row: its card's, where it has one; size and month as the source says, else the card's."""
    known = Facts() if card is None else card.facts
    size, month = side_of(row.table) or known.size, month_of(row.source) or known.date
    return Facts(known.family, known.rate, size, known.licence, month)


def _sheet(entry: Group, card: Card | None) -> Sheet:
    first = entry[0]
    about, command = measured_here(first, None if card is None else card.name)
    fields = [
        *((_column(row), number_cell(row.value).text) for row in entry),
        ("protocol, as its source states it", first.protocol),
        ("source", origin_of(first)),
        ("kept in", f"leaderboards/published/{first.file}.csv"),
    ]
    return Sheet(tuple(fields), command, about, card="" if card is None else card.name)


def _values(entry: Group, columns: Sequence[str]) -> list[Cell]:
    held = {_column(row): row.value for row in entry}
    return [number_cell(held.get(name)) for name in columns]


def _column(row: ReportedRow) -> str:
    part = "" if row.stratum == "all" else f" ({row.stratum})"
    return " ".join(filter(None, (row.metric, row.unit))) + part


def _place(file: str) -> int:
    """Files stand as the leaderboards do, tokenizers first; one that stands beside all comes last."""
    beside = families_of(file)
    return len(FAMILIES) if beside == FAMILIES else min(map(FAMILIES.index, beside))


def _order(entry: Group, cards: Mapping[str, Card]) -> tuple[float, str, str]:
    """By the card's rate, then by name; what has no card comes last."""
    card = cards.get(entry[0].model)
    rate = None if card is None else card.facts.rate
    return float("inf") if rate is None else rate, entry[0].model, entry[0].source


def _grouped(rows: Iterable[ReportedRow], key: Callable[[ReportedRow], tuple[str, ...]]) -> list[Group]:
    groups: dict[tuple[str, ...], list[ReportedRow]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return [tuple(group) for group in groups.values()]
