"""What goes to stdout: a rich table on a terminal, TSV in a pipe, JSON when asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vtbench.core.outgoing import table_cell, terminal_line

if TYPE_CHECKING:
    from vtbench.results.records.record import RunRecord


def emit_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], as_json: bool, title: str = "") -> None:
    """Print rows of plain values."""
    if as_json:
        print(json.dumps([dict(row) for row in rows], indent=2, ensure_ascii=False))
    elif sys.stdout.isatty():
        _rich_rows(rows, columns, title)
    else:
        print("\t".join(columns))
        for row in rows:
            print("\t".join(table_cell(_cell(row.get(column, ""))) for column in columns))


def emit_records(records: Sequence[RunRecord], as_json: bool, metrics: Sequence[str] | None = None) -> None:
    """Print finished runs, one row a model: on a terminal a table a task, in a pipe one table of all.

    Args:
        metrics: columns; by default those of the tasks' own tables, in a pipe all.
    """
    from vtbench.results.tables.terminal import results_json, results_table, results_tsv

    if as_json:
        print(results_json(records, metrics))
    elif sys.stdout.isatty():
        from rich.console import Console

        for task in dict.fromkeys(record.task.name for record in records):
            mine = [record for record in records if record.task.name == task]
            held = None if metrics is None else [name for name in metrics if any(r.result(name) for r in mine)]
            Console().print(results_table(mine, held))
    else:
        print(results_tsv(records, metrics), end="")


def _rich_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], title: str) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title or None, title_justify="left")
    for position, column in enumerate(columns):
        table.add_column(column, no_wrap=position == 0, overflow="fold")
    for row in rows:
        table.add_row(*(escape(_short(row.get(column, ""))) for column in columns))
    Console().print(table)


def _short(value: Any) -> str:
    """For people: four significant digits; pipes and JSON get them all."""
    return f"{value:.4g}" if isinstance(value, float) else _cell(value)


def _cell(value: Any) -> str:
    return "" if value is None else terminal_line(str(value))
