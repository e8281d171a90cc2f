"""The leaderboards as one HTML file that asks the network for nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtbench.report.leaderboards.choices import choices
from vtbench.report.leaderboards.drawings import drawn, marks_by_family
from vtbench.report.leaderboards.facts import Card
from vtbench.report.leaderboards.measured import card_key, measured_boards, measured_section, model_card
from vtbench.report.leaderboards.protocols import protocol_text
from vtbench.report.leaderboards.reported import reported_sections
from vtbench.report.leaderboards.rows import Line, Section, number_cell, text_cell
from vtbench.report.marks import Mark, marks_of
from vtbench.report.shell import rendered, static, trusted
from vtbench.results.leaderboards.folder import PUBLISHED
from vtbench.results.leaderboards.published import read_published

_SHARED, _HERE = "vtbench.report", "vtbench.report.leaderboards"
_STYLES = ("colours.css", "charts.css", "report.css")
_KINDS = {
    **dict.fromkeys(("card", "licence", "measured", "paper", "metric", "family"), "words"),
    **dict.fromkeys(("source", "protocol", "summary"), "words prose"),
}
"""Headers of columns that hold words: they are read from the left; prose may wrap."""


@dataclass(frozen=True)
class Contents:
    """Everything that the page shows.

    Attributes:
        sections: measured ones, then reported ones.
        cards: by the key that sheets name; those of vtbench first, then those of measured models without one.
        listed: how many of the cards, from the first on, have a row in the table of cards.
        protocols: text of each protocol by its id.
        marks: how each measured model looks.
        families: how each family of cards looks, in charts of reported numbers.
    """

    sections: tuple[Section, ...]
    cards: Mapping[str, Card]
    listed: int
    protocols: Mapping[str, str]
    marks: Mapping[str, Mark]
    families: Mapping[str, Mark]


def contents(root: Path, cards: Mapping[str, Card], reported: Mapping[str, str]) -> Contents:
    """Read a leaderboard folder.

    Args:
        root: the folder.
        cards: of tokenizers, by name.
        reported: name of a card by the model's name as sources of published numbers have it.

    Raises:
        UsageError: two records with different results under one key.
        VtbenchError: a record or a published row that cannot be read.
    """
    boards = measured_boards(root)
    records = [run.record for _, board in boards for run in board.runs]
    of_models = {card_key(record, cards): model_card(record) for record in records}
    linked = {model: cards[name] for model, name in reported.items() if name in cards}
    published = reported_sections(read_published(root / PUBLISHED), linked)
    return Contents(
        sections=(*(measured_section(family, board, cards) for family, board in boards), *published),
        cards={**cards, **{key: card for key, card in of_models.items() if key not in cards}},
        listed=len(cards),
        protocols={record.task.protocol_id: protocol_text(record) for record in records},
        marks=marks_of(board for _, board in boards),
        families=marks_by_family(card.facts.family for card in cards.values()),
    )


def html_page(found: Contents, title: str = "vtbench leaderboards") -> str:
    """The page. Whatever came from records, published rows or cards is escaped; its policy forbids any other script.

    Raises:
        AssetMissingError: jinja2 is not installed.
    """
    listed = list(found.cards.values())[: found.listed]
    places = {key: f"c{number}" for number, key in enumerate(found.cards, start=1)}
    rules = {protocol: f"p{number}" for number, protocol in enumerate(found.protocols, start=1)}
    numbers = iter(range(1, sum(len(section.lines) for section in found.sections) + 1))
    sections = [
        _section(place, section, found, [_line(next(numbers), line, section, places, rules) for line in section.lines])
        for place, section in enumerate(found.sections, start=1)
    ]
    return rendered(
        static(_HERE, "page.html.j2"),
        [*(static(_SHARED, name) for name in _STYLES), static(_HERE, "page.css")],
        [static(_SHARED, "shared.js"), static(_HERE, "page.js")],
        title=title,
        groups=[(origin, [one for one in sections if one["origin"] == origin]) for origin in ("measured", "reported")],
        choices=choices(found.sections, (card.facts for card in listed)),
        protocols=[(rules[name], name, text) for name, text in found.protocols.items()],
        cards=[(places[key], card) for key, card in found.cards.items()],
        listed=[_card_row(places[card.name], card) for card in listed],
        card_headers=_told_headers(("family", "tokens", "bits/pixel", "px", "licence", "paper", "summary")),
        swatches={family: trusted(mark.swatch) for family, mark in found.families.items()},
    )


def _section(place: int, section: Section, found: Contents, lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    known, names = _looks(section, found)
    rates = {line.label: line.facts.rate for line in section.lines}
    return {
        "id": f"b{place}",
        "title": section.title,
        "origin": section.origin,
        "families": " ".join(section.families),
        "about": section.about,
        "foot": section.foot,
        "headers": _told_headers(section.headers),
        "lines": lines,
        "swatches": {label: trusted(mark.swatch) for label, mark in known.items()},
        "charts": [drawn(chart, known, names, rates) for chart in section.charts],
    }


def _looks(section: Section, found: Contents) -> tuple[Mapping[str, Mark], Mapping[str, str]]:
    """Marks of the section's models, and what legends call them: themselves where measured, else their family."""
    labels = {line.label: line.facts.family for line in section.lines}
    if section.origin == "measured":
        return {label: found.marks[label] for label in labels}, {label: label for label in labels}
    return {label: found.families[of] for label, of in labels.items() if of in found.families}, labels


def _line(
    number: int, line: Line, section: Section, places: Mapping[str, str], rules: Mapping[str, str]
) -> dict[str, Any]:
    sheet = line.sheet
    return {
        "id": f"s{number}",
        "label": line.label,
        "facts": line.facts,
        "cells": line.cells,
        "sheet": sheet,
        "title": section.title,
        "protocol": rules.get(sheet.protocol, ""),
        "card": places.get(sheet.card, ""),
    }


def _card_row(place: str, card: Card) -> dict[str, Any]:
    facts, tokens = card.facts, None if card.tokens is None else float(card.tokens)
    cells = (
        text_cell(facts.family),
        number_cell(tokens),
        number_cell(facts.rate, 4),
        text_cell(facts.size),
        text_cell(facts.licence),
        text_cell(facts.date),
        text_cell(card.summary),
    )
    return {"id": place, "label": card.name, "facts": facts, "cells": cells}


def _told_headers(headers: Sequence[str]) -> list[tuple[str, str]]:
    return [(header, _KINDS.get(header, "")) for header in headers]
