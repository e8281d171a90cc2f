"""``vtbench fetch``."""

from __future__ import annotations

from typing import Annotated

import typer

from vtbench.cli import options as o
from vtbench.cli.output import emit_rows


def fetch(
    names: Annotated[list[str] | None, typer.Argument(metavar="[ASSET]…", help="Assets by name.")] = None,
    suite: o.SuiteName = None,
    task: o.Tasks = None,
    json: o.Json = False,
) -> None:
    """Get weights into the cache, so that later runs work offline. With no arguments: those of the suite mini."""
    from vtbench import assets
    from vtbench.run.preflight import required_assets
    from vtbench.run.selection import select
    from vtbench.tasks import load_task

    wanted = list(names or ())
    if suite or task or not wanted:
        tasks = select((), (), task or (), suite, has_data=False).tasks
        wanted += [name for name in required_assets(load_task(name) for name in tasks) if name not in wanted]
    found = assets.fetch(wanted)
    rows = [{"asset": name, "path": str(path), "tensors": assets.fingerprint(name)} for name, path in found.items()]
    emit_rows(rows, ["asset", "path", "tensors"], json)
