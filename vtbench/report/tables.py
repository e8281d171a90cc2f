"""The summary table of a board, as cells that know how to be read and how to be sorted."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vtbench.report.gather import Board
from vtbench.results.tables.digits import MISSING, column_decimals, interval_text, value_text
from vtbench.results.tables.ranking import best_rows, meaning_of_marks
from vtbench.results.tables.rows import count_text, input_size, metric_result, preferred_metrics, scored_size

_FIRST = ("bits_per_pixel", "tokens_per_image", "tokens_per_clip")


@dataclass(frozen=True)
class Cell:
    """A cell: what is read, what it is sorted by (empty sorts last), its interval in words, and whether it is best."""

    text: str
    order: str = ""
    interval: str = ""
    best: bool = False


@dataclass(frozen=True)
class Summary:
    """A table: headers with direction, rows of cells beside the model's label, and what marked cells are."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    marked: str = ""


def summary(board: Board) -> Summary:
    """The task's own columns, with sizes and rates in front: none of them means much without the others."""
    records = [run.record for run in board.runs]
    names = list(dict.fromkeys([*_FIRST, *preferred_metrics(records)]))
    names = [name for name in names if any(metric_result(record, name) for record in records)]
    columns = [metric_cells(board, name) for name in names]
    sizes = [Cell(f"{given} → {scored}" if given != scored else scored, scored) for given, scored in _sizes(board)]
    counts = [
        Cell(str(r.data.n_scored) + (f" of {r.data.n_expected}" if r.data.n_failed else ""), str(r.data.n_scored))
        for r in records
    ]
    headers = ("px", "n", *(header(board, name) for name in names))
    rows = zip(board.runs, sizes, counts, *columns, strict=True)
    return Summary(headers, tuple((run.label, tuple(cells)) for run, *cells in rows), meaning_of_marks(records, names))


def _sizes(board: Board) -> list[tuple[str, str]]:
    return [(input_size(run.record), scored_size(run.record)) for run in board.runs]


def header(board: Board, name: str) -> str:
    """A metric's name with its unit and an arrow to where it is better."""
    found = next(result for run in board.runs if (result := metric_result(run.record, name)) is not None)
    arrow = {True: " ↑", False: " ↓", None: ""}[found.higher_is_better]
    unit = f" {found.unit}" if found.unit in ("dB",) else ""
    return f"{name}{unit}{arrow}"


def metric_cells(board: Board, name: str) -> list[Cell]:
    """A metric's column, a cell a run."""
    records = [run.record for run in board.runs]
    results = [metric_result(record, name) for record in records]
    decimals = column_decimals([result for result in results if result is not None])
    best = best_rows(records, name)
    return [
        Cell(MISSING)
        if result is None
        else Cell(
            " ".join(filter(None, (value_text(result.value, decimals), count_text(record, result)))),
            "" if math.isnan(result.value) else repr(result.value),
            _interval(result.ci_low, result.ci_high, result.ci_method, decimals)
            or interval_text(result, decimals, True),
            row in best,
        )
        for row, (record, result) in enumerate(zip(records, results, strict=True))
    ]


def _interval(low: float | None, high: float | None, method: str, decimals: int) -> str:
    if low is None or high is None or low == high:
        return ""
    return f"95 %: {value_text(low, decimals)} to {value_text(high, decimals)} ({method})"
