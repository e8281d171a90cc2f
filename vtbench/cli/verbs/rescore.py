"""``vtbench rescore``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vtbench.cli import completion
from vtbench.cli import options as o
from vtbench.cli.output import emit_records
from vtbench.core.disk.files import user_path
from vtbench.core.errors import VtbenchError


def rescore(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", parser=user_path, help="A run folder, or any folder above runs.")
    ],
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            autocompletion=completion.metrics,
            metavar="NAME",
            help="Set metric to add; repeatable.",
        ),
    ] = None,
    allow_small_sets: o.SmallSets = False,
    trust: o.Trust = None,
    json: o.Json = False,
) -> None:
    """Score runs again from what they stored: no model, no data, no GPU."""
    from vtbench.run.rescore import rescore as rescore_runs

    failed: list[VtbenchError] = []
    records = rescore_runs(run, metric or (), failed.append, allow_small_sets=allow_small_sets, trusted=trust or ())
    emit_records(records, json)
    for problem in failed:
        typer.echo(f"error: {problem}", err=True)
    if failed:
        raise typer.Exit(1)
