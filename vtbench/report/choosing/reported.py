"""Published rows whose rate is known, as the tables of others that they are of."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vtbench.checkpoints.cards import Card
from vtbench.report.choosing.evaluators import EVALUATORS, Evaluator, Question
from vtbench.results.leaderboards.published import ReportedRow
from vtbench.results.leaderboards.reported import origin_of

_STATED = re.compile(r"\bf(\d+)c(\d+)\b")
_LATENT_BITS = 16
_CLAIMED = "rfid"


@dataclass(frozen=True)
class Entry:
    """One tokenizer in one table.

    Attributes:
        model: as its source calls it.
        card: of that very checkpoint; ``None`` where it has none here.
        rate: bits a pixel.
        tokens: of a 256×256 image; ``None`` where that is not known.
        values: by question; what the table does not have is not there.
    """

    model: str
    card: Card | None
    rate: float
    tokens: int | None
    values: Mapping[Question, float]


@dataclass(frozen=True)
class Table:
    """What one evaluator found.

    Attributes:
        entries: by rate, then by name.
        unplaced: models of the table whose rate is not known.
        origin: source, and the table in it.
    """

    evaluator: Evaluator
    entries: tuple[Entry, ...]
    unplaced: tuple[str, ...]
    origin: str

    def points(self, question: Question) -> list[tuple[Entry, float]]:
        """Entries with a finite value of a question."""
        found = ((entry, entry.values.get(question, math.nan)) for entry in self.entries)
        return [(entry, value) for entry, value in found if math.isfinite(value)]


@dataclass(frozen=True)
class Claim:
    """A reconstruction FID that authors give of their own checkpoint, under a protocol of their own."""

    card: Card
    value: float
    protocol: str
    origin: str


def tables(rows: Sequence[ReportedRow], cards: Mapping[str, Card]) -> list[Table]:
    """Every evaluator's table.

    Args:
        rows: of every file.
        cards: by the model's name as sources have it.
    """
    return [_table(evaluator, _of(evaluator, rows), cards) for evaluator in EVALUATORS]


def claims(rows: Sequence[ReportedRow], cards: Mapping[str, Card], everyone: Iterable[Card]) -> list[Claim]:
    """What is reported of checkpoints that have a card with a rate and no evaluator's row, by rate, then by name.

    Args:
        rows: of every file.
        cards: by the model's name as sources have it.
        everyone: all cards; an anchor that no row says is a claim, too.
    """
    judged = {row.key for evaluator in EVALUATORS for row in _of(evaluator, rows)}
    from_rows = [
        Claim(cards[row.model], row.value, row.protocol, origin_of(row))
        for row in rows
        if row.metric == _CLAIMED and row.file == "tokenizers" and row.key not in judged and row.model in cards
    ]
    said = {(card.name, row.value) for row in rows if (card := cards.get(row.model)) and row.metric == _CLAIMED}
    from_anchors = [
        Claim(card, anchor.value, anchor.protocol, anchor.source)
        for card in everyone
        for anchor in card.anchors
        if anchor.metric == _CLAIMED and (card.name, anchor.value) not in said
    ]
    found = [claim for claim in (*from_rows, *from_anchors) if claim.card.geometry is not None]
    return sorted(found, key=lambda claim: (_rate(claim.card), claim.card.name, claim.value))


def _of(evaluator: Evaluator, rows: Iterable[ReportedRow]) -> list[ReportedRow]:
    return [
        row
        for row in rows
        if row.file == evaluator.file
        and row.protocol in evaluator.protocols
        and (not evaluator.table or row.table == evaluator.table)
    ]


def _table(evaluator: Evaluator, rows: Sequence[ReportedRow], cards: Mapping[str, Card]) -> Table:
    asked = {(question.metric, question.stratum): question for question in evaluator.questions}
    values: dict[str, dict[Question, float]] = {}
    settings: dict[str, str] = {}
    for row in rows:
        settings[row.model] = row.table
        question = asked.get((row.metric, row.stratum))
        if question is not None:
            values.setdefault(row.model, {})[question] = row.value
    placed = [_entry(model, cards.get(model), settings[model], found) for model, found in values.items()]
    entries = sorted((entry for entry in placed if entry is not None), key=lambda entry: (entry.rate, entry.model))
    known = {entry.model for entry in entries}
    unplaced = tuple(model for model in values if model not in known)
    return Table(evaluator, tuple(entries), unplaced, rows[0].source if rows else "")


def _entry(model: str, card: Card | None, setting: str, values: Mapping[Question, float]) -> Entry | None:
    """By the card's geometry, or by what the source states of it: ``f16c64`` is a side of 16 and 64 channels."""
    if card is not None and card.geometry is not None:
        return Entry(model, card, card.geometry.bits_per_pixel, card.geometry.token_count, values)
    stated = _STATED.search(f"{model} {setting}")
    if stated is None:
        return None
    side, channels = map(int, stated.groups())
    return Entry(model, None, channels * _LATENT_BITS / side**2, (256 // side) ** 2, values)


def _rate(card: Card) -> float:
    return math.inf if card.geometry is None else card.geometry.bits_per_pixel
