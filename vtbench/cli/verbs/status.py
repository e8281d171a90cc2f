"""``vtbench status``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vtbench.cli import options as o
from vtbench.cli.output import emit_rows
from vtbench.core.disk.files import user_path

_COLUMNS = ("model", "task", "state", "done", "blocks", "samples", "folder")


def status(
    out: Annotated[Path, typer.Argument(metavar="OUT", parser=user_path, help="Folder of runs.")] = Path("runs"),
    json: o.Json = False,
) -> None:
    """Which jobs of a folder of runs are complete, which run, and how many blocks are there; exit 1 unless all are."""
    from vtbench.run.executing.peers import at_work
    from vtbench.run.status import statuses

    found = statuses(out)
    rows = [{name: getattr(one, name) for name in _COLUMNS} | {"folder": str(one.folder)} for one in found]
    emit_rows(rows, _COLUMNS, json)
    for worker in at_work(out):
        typer.echo(f"at work: {worker}", err=True)
    for one in found:
        if one.what:
            typer.echo(f"{one.folder}: {one.what}", err=True)
    if any(one.state != "complete" for one in found):
        raise typer.Exit(1)
