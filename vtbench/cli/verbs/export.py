"""``vtbench export``."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from vtbench.cli import completion
from vtbench.cli import options as o
from vtbench.cli.output import emit_rows
from vtbench.core.disk.files import user_path


def export(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN…", parser=user_path, help="Records, run folders, or folders above them."),
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="NAME",
            autocompletion=completion.destinations,
            help="tensorboard, wandb, mlflow, hub-card, csv or parquet.",
        ),
    ],
    dest: Annotated[
        str | None,
        typer.Option(
            "--dest",
            metavar="PLACE",
            help="Folder, by default exported/NAME; of hub-card a README.md, of mlflow a tracking address.",
        ),
    ] = None,
    step: Annotated[
        int | None, typer.Option("--step", min=0, metavar="N", help="Where in a training the runs belong.")
    ] = None,
    run_name: Annotated[
        str | None,
        typer.Option("--run-name", metavar="NAME", help="One run there for all of these, now and in later exports."),
    ] = None,
    project: Annotated[
        str | None, typer.Option("--project", metavar="NAME", help="Project of wandb, by default vtbench.")
    ] = None,
    experiment: Annotated[
        str | None, typer.Option("--experiment", metavar="NAME", help="Experiment of mlflow, by default vtbench.")
    ] = None,
    offline: o.Offline = False,
    json: o.Json = False,
) -> None:
    """Send finished runs to other tools: scalars with intervals, strata, pictures. Reads records only."""
    from vtbench.export.destinations import export_runs

    written = export_runs(
        runs,
        to,
        dest=dest,
        project=project,
        experiment=experiment,
        run_name=run_name,
        step=step,
        offline=offline or os.environ.get("VTBENCH_OFFLINE") == "1",
    )
    rows = [asdict(entry) for entry in written]
    emit_rows(rows, ("run", "what", "rows", "images", "where"), json)
