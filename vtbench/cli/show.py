"""``vtbench show``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vtbench.cli import options as o
from vtbench.cli.output import emit_records, emit_rows


def show(
    name: Annotated[str, typer.Argument(help="A task, metric, tokenizer, data set … by name, or a run folder.")],
    json: o.Json = False,
) -> None:
    """Show one thing whole: a task with its protocol, a metric's meaning, a card, or a finished run."""
    from vtbench.cli.details import details, is_known

    if Path(name).exists() and not is_known(name):
        from vtbench.results.record import load_records

        emit_records(load_records(name), json)
        return
    rows = [{"field": field, "value": value} for field, value in details(name).items()]
    emit_rows(rows, ["field", "value"], json, title=name)
