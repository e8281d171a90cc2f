"""``vtbench show``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vtbench.cli import completion
from vtbench.cli import options as o
from vtbench.cli.output import emit_records, emit_rows
from vtbench.core.disk.files import expand_user


def show(
    name: Annotated[
        str,
        typer.Argument(
            parser=expand_user,
            autocompletion=completion.anything,
            help="A task, metric, tokenizer, data set … by name, or a run folder.",
        ),
    ],
    by: Annotated[
        str | None, typer.Option("--by", metavar="FIELD", help="Of runs: one metric by a field, e.g. glyph_px.")
    ] = None,
    metric: Annotated[
        str,
        typer.Option(
            "--metric",
            autocompletion=completion.metrics,
            help="The metric for --by.",
        ),
    ] = "psnr",
    json: o.Json = False,
) -> None:
    """Show one thing whole: a task with its protocol, a metric's meaning, a card, or finished runs."""
    from vtbench.cli.details import details
    from vtbench.cli.names import is_known

    if Path(name).exists() and not is_known(name) and not name.endswith(".py"):
        from vtbench.results.records.record import load_records
        from vtbench.results.tables.rows import by_rate

        records = load_records(name)
        if by is None:
            emit_records(by_rate(records), json)
            return
        from vtbench.results.records.strata import by_stratum

        table = by_stratum(records, by, metric)
        emit_rows(table, list(table[0]), json, title=f"{metric} by {by}")
        return
    rows = [{"field": field, "value": value} for field, value in details(name).items()]
    emit_rows(rows, ["field", "value"], json, title=name)
