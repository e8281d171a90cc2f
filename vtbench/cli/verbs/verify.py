"""``vtbench verify``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from vtbench.cli import options as o
from vtbench.cli.output import emit_rows
from vtbench.core.disk.files import user_path

_COLUMNS = ("path", "status", "what", "repair")


def verify(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN…", parser=user_path, help="Run folders, folders above runs, records, or a leaderboard's root."
        ),
    ],
    json: o.Json = False,
) -> None:
    """Check every stored byte against its digest, and records against their rows. Offline; exit 1 where one differs."""
    from vtbench.run.verifying.findings import DAMAGED
    from vtbench.run.verifying.walk import verify as verify_all

    found = verify_all(runs)
    rows = [{"path": str(one.path), "status": one.status, "what": one.what, "repair": one.repair} for one in found]
    emit_rows(rows, _COLUMNS, json)
    counts = Counter(one.status for one in found)
    typer.echo("verify: " + ", ".join(f"{count} {status}" for status, count in counts.items()), err=True)
    if counts[DAMAGED]:
        raise typer.Exit(1)
