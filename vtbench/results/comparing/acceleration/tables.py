"""Rows of accelerated generators as tables: for a terminal, for Markdown, for machines."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from vtbench.core.outgoing import markdown_text, table_cell, terminal_line
from vtbench.results.comparing.acceleration.row import Acceleration
from vtbench.results.records import strict_json
from vtbench.results.tables.digits import INFINITE, MISSING

COLUMNS = tuple(field.name for field in fields(Acceleration))
_HEADER = (
    "candidate", "strategy", "speed", "with decoding", "steps", "memory", "cache", "cache at end", "weights",
    "equal codes", "equal images", "PSNR", "LPIPS", "distances",
)  # fmt: skip


def as_json(rows: Sequence[Acceleration]) -> str:
    """A strict JSON list of objects (non-finite numbers are strings)."""
    return strict_json.dumps([asdict(row) for row in rows])


def as_csv(rows: Sequence[Acceleration], delimiter: str = ",") -> str:
    """Delimited text with a header line, full precision, an empty cell where there is nothing."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_delimited(getattr(row, name)) for name in COLUMNS] for row in rows)
    return text.getvalue()


def as_markdown(rows: Sequence[Acceleration]) -> str:
    """A Markdown table, and below it what is missing."""
    lines = [f"| {' | '.join(_HEADER)} |", f"|---|---|{'--:|' * (len(_HEADER) - 3)}---|"]
    lines += [f"| {' | '.join(markdown_text(cell) for cell in cells(row))} |" for row in rows]
    told = [f"- {markdown_text(text)}" for text in told_missing(rows)]
    return "\n".join([*lines, "", *told, ""] if told else [*lines, ""])


def as_table(rows: Sequence[Acceleration]) -> Table:
    """For a terminal."""
    title = Text(terminal_line(f"{rows[0].task}: against {rows[0].baseline}"))
    caption = Text("\n".join(terminal_line(text) for text in told_missing(rows)))
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", caption=caption, caption_justify="left")
    for name in _HEADER:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(terminal_line(cell)) for cell in cells(row)))
    return table


def told_missing(rows: Sequence[Acceleration]) -> list[str]:
    """What is not there and why, each reason once."""
    return list(dict.fromkeys(text for row in rows for text in row.missing))


def cells(row: Acceleration) -> list[str]:
    """What people read of one row."""
    lossy = " (lossy)" if row.lossless is False else ""
    ratios = (row.speed, row.speed_with_decoding, row.steps, row.memory, row.cache, row.cache_at_end, row.weights)
    shares = (row.equal_codes, row.equal_images)
    return [
        row.candidate,
        f"{row.strategy}{lossy}",
        *(MISSING if ratio is None else f"{ratio:.2f}×" for ratio in ratios),
        *(MISSING if share is None else f"{share:.1%}" for share in shares),
        _number(row.psnr, 2),
        _number(row.lpips_alex, 4),
        "; ".join(f"{name} {before:.4g} → {after:.4g}" for name, (before, after) in row.distances.items()) or MISSING,
    ]


def _number(value: float | None, decimals: int) -> str:
    if value is None:
        return MISSING
    return f"{value:.{decimals}f}" if math.isfinite(value) else INFINITE


def _delimited(cell: Any) -> object:
    if isinstance(cell, Mapping):
        cell = "; ".join(f"{name}={before!r}:{after!r}" for name, (before, after) in cell.items())
    if isinstance(cell, tuple):
        cell = "; ".join(cell)
    if cell is None:
        return ""
    return table_cell(cell) if isinstance(cell, str) else repr(cell) if isinstance(cell, float) else cell
