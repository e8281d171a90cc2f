"""Comparisons as tables: for a terminal, for Markdown, for machines."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import astuple, fields

from rich import box
from rich.table import Table
from rich.text import Text

from vtbench.core.outgoing import markdown_text, table_cell, terminal_line
from vtbench.results.comparing.differences import BETTER, INCOMPARABLE, WORSE, Comparison
from vtbench.results.records import strict_json
from vtbench.results.tables.digits import MISSING
from vtbench.results.tables.rows import fewer_text

COLUMNS = tuple(field.name for field in fields(Comparison))
FORMATS = ("table", "md", "csv", "json")
_HEADER = ("metric", "baseline", "value", "difference", "interval", "verdict", "why")
_STYLES = {BETTER: "green", WORSE: "red", INCOMPARABLE: "dim"}


def as_json(rows: Sequence[Comparison]) -> str:
    """A strict JSON list of objects (non-finite numbers are strings)."""
    return strict_json.dumps([dict(zip(COLUMNS, astuple(row), strict=True)) for row in rows])


def as_csv(rows: Sequence[Comparison], delimiter: str = ",") -> str:
    """Delimited text with a header line, full precision, an empty cell where there is nothing."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_delimited(cell) for cell in astuple(row)] for row in rows)
    return text.getvalue()


def as_markdown(rows: Sequence[Comparison]) -> str:
    """A Markdown table a pair of measurements, for a pull request or a page."""
    lines: list[str] = []
    for mine in _by_pair(rows):
        lines += [f"**{markdown_text(mine[0].task)}**: {markdown_text(_title(mine[0]))}", ""]
        lines += [f"| {' | '.join(_HEADER)} |", "|---|--:|--:|--:|---|---|---|"]
        lines += [f"| {' | '.join(_markdown_cells(row))} |" for row in mine] + [""]
    return "\n".join(lines)


def as_tables(rows: Sequence[Comparison]) -> list[Table]:
    """Rich tables for a terminal, one a pair of measurements."""
    tables = []
    for mine in _by_pair(rows):
        title = Text(terminal_line(f"{mine[0].task}: {_title(mine[0])}"))
        table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
        for name in _HEADER:
            table.add_column(name, justify="right" if name in _HEADER[1:4] else "left", overflow="fold")
        for row in mine:
            table.add_row(*(Text(terminal_line(cell), style=_STYLES.get(row.verdict, "")) for cell in cells(row)))
        tables.append(table)
    return tables


def cells(row: Comparison) -> list[str]:
    """What people read of one row: metric, baseline, value, difference, interval, verdict, why."""
    metric = row.metric if row.stratum == "all" else f"{row.metric} ({row.stratum})"
    decimals = _decimals(row)
    texts, ends = (_text(row.baseline_value, decimals), _text(row.value, decimals)), ""
    if row.ci_low is not None and row.ci_high is not None:
        ends = f"[{_signed(row.ci_low, decimals)}, {_signed(row.ci_high, decimals)}]"
    values = [_counted(text, count) for text, count in zip(texts, _counts(row), strict=True)]
    return [metric, *values, _signed(row.difference, decimals), ends, row.verdict, row.why]


def _counts(row: Comparison) -> tuple[str, str]:
    """``(n 2)`` beside a value over fewer samples than were scored; beside both where one of them has it alone."""
    fewer = fewer_text(row.baseline_n, row.baseline_n_scored), fewer_text(row.n, row.n_scored)
    if any(fewer) and row.baseline_n != row.n:
        return f"(n {row.baseline_n})", f"(n {row.n})"
    return fewer


def _counted(text: str, count: str) -> str:
    return f"{text} {count}" if count and text != MISSING else text


def _by_pair(rows: Sequence[Comparison]) -> list[list[Comparison]]:
    pairs: dict[tuple[str, ...], list[Comparison]] = {}
    for row in rows:
        pairs.setdefault((row.task, row.baseline, row.candidate, row.baseline_source, row.source), []).append(row)
    return list(pairs.values())


def _title(row: Comparison) -> str:
    """The two models; where they are one, the two places."""
    if row.baseline != row.candidate:
        return f"{row.candidate} against {row.baseline}"
    return f"{row.candidate} in {row.source} against {row.baseline_source}"


def _decimals(row: Comparison) -> int:
    """Two significant digits of the difference; of equal values, four of the value."""
    if row.difference and math.isfinite(row.difference):
        return max(0, min(8, 1 - math.floor(math.log10(abs(row.difference)))))
    value = row.value if row.value and math.isfinite(row.value) else 1.0
    return max(0, min(6, 3 - math.floor(math.log10(abs(value)))))


def _text(value: float | None, decimals: int) -> str:
    return MISSING if value is None else f"{value:.{decimals}f}"


def _signed(value: float | None, decimals: int) -> str:
    return "–" if value is None else (f"{value:+.{decimals}f}" if value else "0")


def _markdown_cells(row: Comparison) -> list[str]:
    """Names and reasons come from records; numbers and intervals are written here."""
    metric, *numbers, verdict, why = cells(row)
    return [markdown_text(metric), *numbers, markdown_text(verdict), markdown_text(why)]


def _delimited(cell: object) -> object:
    return table_cell(cell) if isinstance(cell, str) else repr(cell) if isinstance(cell, float) else cell
