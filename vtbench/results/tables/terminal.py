"""Results for people: one row a model and task, fitted to the terminal without cutting a number short."""

from __future__ import annotations

import difflib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from vtbench.core.errors import UsageError
from vtbench.core.outgoing import terminal_line, terminal_text
from vtbench.results.records.record import RunRecord
from vtbench.results.tables.captions import caption
from vtbench.results.tables.delimited import results_json, results_tsv
from vtbench.results.tables.digits import MISSING, column_decimals, interval_text, is_lopsided, value_text
from vtbench.results.tables.ranking import best_rows
from vtbench.results.tables.rows import (
    RATE_METRICS,
    all_metrics,
    count_text,
    input_size,
    metric_result,
    preferred_metrics,
    scored_size,
)

__all__ = ["results_json", "results_table", "results_tsv"]

_SHORT_NAMES = {"tokens_per_image": "tokens", "tokens_per_clip": "tokens", "bits_per_pixel": "bits/pixel"}
_ARROWS = {True: " ↑", False: " ↓", None: ""}
_WIDE_LABEL, _NARROW_LABEL = 32, 16


@dataclass(frozen=True)
class _Layout:
    """How much room a table may take; each next one takes less."""

    inline_intervals: bool = True
    fold_headers: bool = False
    keep_constants: bool = True
    label_width: int = _WIDE_LABEL
    hidden: int = 0


@dataclass(frozen=True)
class _Cell:
    """``27.31``, ``±0.42``, and ``(n 2)`` where fewer samples than the row's stand behind the value."""

    value: str
    interval: str = ""
    count: str = ""


@dataclass(frozen=True)
class _Column:
    """One column; ``best`` holds the rows in bold; where one is not ``needed``, the caption says as much."""

    header: str
    cells: list[_Cell]
    best: set[int] = field(default_factory=set)
    is_text: bool = False
    needed: bool = True


def results_table(
    records: Sequence[RunRecord], metrics: Sequence[str] | None = None, width: int | None = None
) -> Table:
    """A rich table: model, task (where there are several), n, size, tokens, bits a pixel, then the metrics.

    An interval stands beside its value where there is room, else below it; then what every row repeats moves to the
    caption; then metrics are left out, those without an interval first, and the caption names them. Bold is what
    :func:`~.ranking.best_rows` marks, as the caption says. A value that rests on fewer samples than the
    row's ``n`` carries its own, ``(n 2)``. ``∞`` is a value, ``–`` a missing one.

    Args:
        records: one row each, in the order given.
        metrics: which metrics, in this order; by default those of the tasks' own tables.
        width: columns to fit into; by default those of the terminal.

    Raises:
        UsageError: a metric that no record holds.
    """
    names = _chosen(records, metrics)
    room = width if width is not None else Console().width
    leading = _leading_columns(records)
    measured = {name: _metric_column(records, name) for name in names}
    table = Table()
    for layout in _layouts(len(names)):
        shown = _without(names, measured, layout.hidden)
        columns = [column for column in leading if layout.keep_constants or column.needed]
        table = _build(records, [*columns, *_rates(records), *(measured[name] for name in shown)], layout)
        dropped = [column.header for column in leading if column not in columns]
        told = caption(records, shown, constants="size px" in dropped, hidden=[n for n in names if n not in shown])
        table.caption = Text(terminal_text(told))
        if _natural_width(table) <= room:
            break
    return table


def _chosen(records: Sequence[RunRecord], metrics: Sequence[str] | None) -> list[str]:
    if metrics is None:
        return [name for name in preferred_metrics(records) if name not in RATE_METRICS]
    known = all_metrics(records)
    for name in metrics:
        if name not in known and name not in RATE_METRICS:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"measured: {', '.join(known)}"
            raise UsageError(f"no record holds the metric {name!r}", hint)
    return [name for name in metrics if name not in RATE_METRICS]


def _layouts(metrics: int) -> Iterator[_Layout]:
    yield _Layout()
    yield _Layout(inline_intervals=False)
    yield _Layout(inline_intervals=False, fold_headers=True)
    yield _Layout(inline_intervals=False, fold_headers=True, keep_constants=False)
    for hidden in range(max(1, metrics)):
        yield _Layout(False, True, False, _NARROW_LABEL, hidden)


def _without(names: Sequence[str], measured: Mapping[str, _Column], hidden: int) -> list[str]:
    """Leave ``hidden`` metrics out: first those that carry no interval, each time the last."""
    has_interval = {name: any(cell.interval for cell in measured[name].cells) for name in names}
    expendable = sorted(names, key=lambda name: (has_interval[name], -names.index(name)))[:hidden]
    return [name for name in names if name not in expendable]


def _leading_columns(records: Sequence[RunRecord]) -> list[_Column]:
    sizes = [_size(record) for record in records]
    counts = _plain("n", [_count(record) for record in records], needed=False)
    tasks = [record.task.name for record in records]
    named = [_plain("task", tasks, is_text=True)] if len(set(tasks)) > 1 else []
    return [*named, counts, _plain("size px", sizes, needed=len(set(sizes)) > 1)]


def _rates(records: Sequence[RunRecord]) -> list[_Column]:
    return [_metric_column(records, name) for name in RATE_METRICS]


def _plain(header: str, cells: list[str], is_text: bool = False, needed: bool = True) -> _Column:
    return _Column(header, [_Cell(cell) for cell in cells], is_text=is_text, needed=needed)


def _count(record: RunRecord) -> str:
    scored, expected = record.data.n_scored, record.data.n_expected
    return str(scored) if scored == expected else f"{scored}/{expected}"


def _size(record: RunRecord) -> str:
    given, scored = input_size(record), scored_size(record)
    return scored if given == scored else f"{given}→{scored}"


def _metric_column(records: Sequence[RunRecord], name: str) -> _Column:
    results = [metric_result(record, name) for record in records]
    found = [result for result in results if result is not None]
    decimals, ends = column_decimals(found), is_lopsided(found)
    cells = [
        _Cell(MISSING)
        if result is None
        else _Cell(
            value_text(result.value, decimals),
            "" if name in RATE_METRICS else interval_text(result, decimals, ends),
            count_text(record, result),
        )
        for record, result in zip(records, results, strict=True)
    ]
    if name in RATE_METRICS:
        return _Column(_SHORT_NAMES[name], cells)
    arrow = _ARROWS[found[0].higher_is_better] if found else ""
    unit = f" {found[0].unit}" if found and found[0].unit else ""
    return _Column(f"{name}{unit}{arrow}", cells, best_rows(records, name))


def _build(records: Sequence[RunRecord], columns: Sequence[_Column], layout: _Layout) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, caption_justify="left", caption_style="dim"
    )
    table.add_column(Text("model"), overflow="fold")
    for column in columns:
        header = _header(column.header, layout.fold_headers)
        table.add_column(header, justify="left" if column.is_text else "right", overflow="fold")
    for row, record in enumerate(records):
        label = Text(_fold_label(terminal_line(record.model.label), layout.label_width))
        table.add_row(label, *(_cell(column, row, layout.inline_intervals) for column in columns))
    return table


def _header(text: str, fold: bool) -> Text:
    """``psnr dB ↑`` on one line; folded, it breaks before the unit and after underscores and slashes."""
    if fold:
        text = re.sub(r"([_/])", r"\1\n", text).replace(" ", "\n").replace("\n↑", " ↑").replace("\n↓", " ↓")
    return Text(terminal_text(text))


def _cell(column: _Column, row: int, inline: bool) -> Text:
    cell = column.cells[row]
    text = Text(cell.value, style="bold" if row in column.best else "")
    intervals, counts = ([other.interval for other in column.cells], [other.count for other in column.cells])
    for part, style, all_parts in ((cell.interval, "dim not bold", intervals), (cell.count, "yellow not bold", counts)):
        widest = max(map(len, all_parts))
        if inline and widest:
            text.append(f" {part:<{widest}}", style=style)
        elif part:
            text.append(f"\n{part}", style=style)
    return text


def _fold_label(label: str, width: int) -> str:
    """Break a long label after ``,``, ``/``, ``:`` and ``=``; what is still too long is broken anywhere."""
    lines = [""]
    for piece in re.findall(r"[^,/:=]*[,/:=]?", label):
        if lines[-1] and len(lines[-1]) + len(piece) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line[at : at + width] for line in lines for at in range(0, max(1, len(line)), width))


def _natural_width(table: Table) -> int:
    console = Console(width=10_000, file=io.StringIO())
    return Measurement.get(console, console.options, table).maximum
