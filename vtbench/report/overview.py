"""The page's first table: every model on every board, by the board's main metric."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from vtbench.report.gather import Board, Run
from vtbench.report.tables import Cell, header, metric_cells
from vtbench.results.records.record import RunRecord
from vtbench.results.tables.digits import MISSING
from vtbench.results.tables.ranking import is_identity
from vtbench.results.tables.rows import metric_result, preferred_metrics

_RATE = "bits_per_pixel"


@dataclass(frozen=True)
class Place:
    """A model on a board: its cell, its rate there, and how far it is from the worst (0) to the best (1)."""

    cell: Cell
    rate: float | None = None
    share: float | None = None


@dataclass(frozen=True)
class Row:
    """A model: its name here and on the rest of the page, bits a pixel in words and to sort by, a place a board."""

    label: str
    model: str
    rates: str
    order: str
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Overview:
    """The table: a column a board (task, and metric with its direction), a row a model, and every rate there is."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]
    rates: tuple[float, ...]


def overview(boards: Sequence[Board]) -> Overview:
    """Models by the fewest bits a pixel they spend anywhere, then by name."""
    metrics = [main_metric(board) for board in boards]
    columns = [_places(board, metric) for board, metric in zip(boards, metrics, strict=True)]
    keys = dict.fromkeys(key for column in columns for key in column)
    rows = [_row(key, [column.get(key) or Place(Cell("")) for column in columns]) for key in keys]
    pairs = zip(boards, metrics, strict=True)
    heads = [(board.title, header(board, metric) if metric else "") for board, metric in pairs]
    rates = sorted({place.rate for column in columns for place in column.values() if place.rate is not None})
    return Overview(tuple(heads), tuple(sorted(rows, key=_by_rate)), tuple(rates))


def main_metric(board: Board) -> str:
    """The first column of the task's table that has a better and a worse and that the most models have.

    How a codebook is used says little of what is kept: it is taken only where nothing else was measured. Empty where no
    column has a direction.
    """
    records = [run.record for run in board.runs]
    of_codes = _of_codes(records)
    ranked = []
    for name in preferred_metrics(records):
        found = [result for record in records if (result := metric_result(record, name)) is not None]
        if found and found[0].higher_is_better is not None:
            ranked.append(((name in of_codes, -len(found)), name))
    return min(ranked, key=lambda one: one[0], default=(None, ""))[1]


def _of_codes(records: Sequence[RunRecord]) -> set[str]:
    """Names of metrics of codes, as the tasks ask for them: by name, or as a mapping with one."""
    asked = [entry for record in records for entry in record.task.spec.get("code_metrics") or ()]
    return {str(entry.get("name") if isinstance(entry, Mapping) else entry) for entry in asked}


def rate_of(run: Run) -> float | None:
    """Bits a pixel; ``None`` where that is not known."""
    found = metric_result(run.record, _RATE)
    return None if found is None or math.isnan(found.value) else found.value


def _places(board: Board, metric: str) -> dict[tuple[str, int], Place]:
    """By label, and by which of the runs with that label it is."""
    cells = metric_cells(board, metric) if metric else [Cell(MISSING)] * len(board.runs)
    shares = _shares(board, metric)
    seen: dict[str, int] = {}
    found = {}
    for run, cell, share in zip(board.runs, cells, shares, strict=True):
        seen[run.label] = seen.get(run.label, 0) + 1
        found[run.label, seen[run.label]] = Place(cell, rate_of(run), share)
    return found


def _shares(board: Board, metric: str) -> list[float | None]:
    """Where values lie between the worst and the best of those that compete: ``identity`` does not."""
    results = [None if is_identity(run.record) else metric_result(run.record, metric) for run in board.runs]
    finite = [result.value for result in results if result is not None and math.isfinite(result.value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    if low == high:
        return [None] * len(results)
    return [
        None
        if result is None or not math.isfinite(result.value)
        else (result.value - low if result.higher_is_better else high - result.value) / (high - low)
        for result in results
    ]


def _row(key: tuple[str, int], places: Sequence[Place]) -> Row:
    label, which = key
    rates = sorted({place.rate for place in places if place.rate is not None})
    told = " – ".join(dict.fromkeys(f"{rate:.4g}" for rate in (*rates[:1], *rates[-1:])))
    order = repr(rates[0]) if rates else ""
    kept = tuple(place if place.cell.text else replace(place, cell=Cell(MISSING)) for place in places)
    return Row(label if which == 1 else f"{label} ({which})", label, told or MISSING, order, kept)


def _by_rate(row: Row) -> tuple[float, str]:
    return (float(row.order) if row.order else math.inf, row.label)
