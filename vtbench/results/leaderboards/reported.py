"""Reported numbers as they stand beside a leaderboard: a table of their own, linked to the cards they are of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from vtbench.results.leaderboards.columns import FAMILIES, METRIC_COLUMNS
from vtbench.results.leaderboards.folder import PUBLISHED
from vtbench.results.leaderboards.published import ReportedRow, read_published
from vtbench.results.leaderboards.reported_metrics import LOOSE, looser_names
from vtbench.results.leaderboards.selection import BY_MODEL, BY_RATE, Selection
from vtbench.results.tables.digits import INFINITE, MISSING

COLUMNS = ("metric", "model", "card", "bits_per_pixel", "value", "unit", "stratum", "protocol", "origin")
_FAMILIES_OF_FILE = {
    "tokenizers": ("reconstruction",),
    "tokenbench": ("reconstruction",),
    "tokbench": ("text", "detail"),
    "omnidoc-tokenbench": ("text", "compat"),
    "generators": ("generation",),
    "efficiency": ("generation",),
    "evaluators": ("generation",),
    "judges": ("judged",),
}
"""Which leaderboards a file of published numbers stands beside; one that is not named here, beside all."""
_PLACE = {name: place for place, name in enumerate(dict.fromkeys(n for m in METRIC_COLUMNS.values() for n in m))}
_PLACE |= {loose: _PLACE[exact] for loose, (exact, _) in LOOSE.items()}


@dataclass(frozen=True)
class LinkedCard:
    """The card of the checkpoint that a reported number is of, and its rate where the card states one."""

    name: str
    bits_per_pixel: float | None = None


def reported_rows(
    root: Path, family: str, selection: Selection, cards: Mapping[str, LinkedCard]
) -> list[dict[str, Any]]:
    """One row a number, by metric, within it as ``selection`` sorts: :data:`COLUMNS`.

    ``value`` is a float, or ``"inf"``; ``card`` is empty and ``bits_per_pixel`` ``None`` where the checkpoint has no
    card here. A limit on the rate leaves out what has no rate.

    Args:
        root: the leaderboard folder.
        family: which leaderboard they stand beside.
        cards: by the model's name as its source has it.

    Raises:
        VtbenchError: a published row that is not whole.
    """
    found = [(row, cards.get(row.model)) for row in read_published(root / PUBLISHED) if _stands_beside(row, family)]
    chosen = [(row, card) for row, card in found if _is_asked_for(row, card, selection)]
    return [_told(row, card) for row, card in sorted(chosen, key=lambda one: _order(one[0], one[1], selection))]


def reported_table(rows: Sequence[Mapping[str, Any]], title: str) -> Table:
    """The rows for a terminal: unit and stratum stand with the metric, and what has no card shows a dash."""
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("metric", "model", "card", "bits/pixel", "value", "protocol", "origin"):
        table.add_column(name, justify="right" if name in ("bits/pixel", "value") else "left", overflow="fold")
    for row in rows:
        part = "" if row["stratum"] == "all" else f" ({row['stratum']})"
        rate = MISSING if row["bits_per_pixel"] is None else f"{row['bits_per_pixel']:.4g}"
        metric, value = " ".join(filter(None, (row["metric"], row["unit"]))) + part, row["value"]
        shown = f"{value:.6g}" if isinstance(value, float) else INFINITE if value == "inf" else str(value)
        cells = (metric, row["model"], row["card"] or MISSING, rate, shown, row["protocol"], row["origin"])
        table.add_row(*(Text(cell) for cell in cells))
    return table


def loose_names(metric: str) -> tuple[str, ...]:
    """A metric's own name and what sources call it."""
    return (metric, *looser_names(metric))


def families_of(file: str) -> tuple[str, ...]:
    """Leaderboards that the numbers of a file stand beside; ``file`` is its stem."""
    return _FAMILIES_OF_FILE.get(file, FAMILIES)


def origin_of(row: ReportedRow) -> str:
    """Source, and the table in it where the source does not name it already."""
    return row.source if row.table in row.source else f"{row.source}, {row.table}"


def _stands_beside(row: ReportedRow, family: str) -> bool:
    return family in families_of(row.file)


def _is_asked_for(row: ReportedRow, card: LinkedCard | None, selection: Selection) -> bool:
    wanted = {name for metric in selection.metrics for name in loose_names(metric)}
    rate = None if card is None else card.bits_per_pixel
    names = (row.model,) if card is None else (row.model, card.name)
    return (not wanted or row.metric in wanted) and selection.takes_rate(rate) and any(map(selection.takes_name, names))


def _told(row: ReportedRow, card: LinkedCard | None) -> dict[str, Any]:
    return {
        "metric": row.metric,
        "model": row.model,
        "card": "" if card is None else card.name,
        "bits_per_pixel": None if card is None else card.bits_per_pixel,
        "value": row.value if math.isfinite(row.value) else str(row.value),
        "unit": row.unit,
        "stratum": row.stratum,
        "protocol": row.protocol,
        "origin": origin_of(row),
    }


def _order(row: ReportedRow, card: LinkedCard | None, selection: Selection) -> tuple[Any, ...]:
    """By metric; within it by rate or name, or by value where that metric is sorted by: the direction is not stated."""
    rate = card.bits_per_pixel if card is not None and card.bits_per_pixel is not None else math.inf
    by: float = 0.0
    if selection.sort == BY_RATE:
        by = rate
    elif selection.sort != BY_MODEL and row.metric in loose_names(selection.sort):
        by = row.value
    return _PLACE.get(row.metric, len(_PLACE)), row.metric, by, row.model, row.protocol
