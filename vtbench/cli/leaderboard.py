"""``vtbench leaderboard``: tables that follow from records, and published numbers beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from vtbench.cli import options as o
from vtbench.cli.output import emit_rows

leaderboard = typer.Typer(help="Leaderboards: add, build, check, show.", no_args_is_help=True)
_Root = Annotated[
    Path | None, typer.Option("--root", metavar="DIR", help="Leaderboard folder. [default: the one that is shipped]")
]


@leaderboard.command("add")
def add(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN…", help="Records, run folders, or folders above them.")],
    root: _Root = None,
) -> None:
    """Copy the records of finished runs into the leaderboard's folder."""
    from vtbench.results.leaderboard import add_records

    for path in add_records(runs, _root(root)):
        typer.echo(str(path))


@leaderboard.command("build")
def build(root: _Root = None) -> None:
    """Write the CSVs from the records."""
    from vtbench.results.leaderboard import build as build_all

    for path in build_all(_root(root)).values():
        typer.echo(str(path))


@leaderboard.command("check")
def check(root: _Root = None) -> None:
    """Check that the CSVs are what the records say, and that every published row is whole. Exit 1 where not."""
    from vtbench.results.leaderboard import PUBLISHED
    from vtbench.results.leaderboard import check as check_all
    from vtbench.results.published import read_published

    folder = _root(root)
    problems = check_all(folder)
    published = read_published(folder / PUBLISHED)
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{folder}: every row is what its record says; {len(published)} published numbers are whole")


@leaderboard.command("show")
def show(
    family: Annotated[
        str, typer.Argument(metavar="[FAMILY]", help="reconstruction, detail, text …")
    ] = "reconstruction",
    metric: Annotated[str | None, typer.Option("--metric", metavar="NAME", help="Only this metric.")] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="TEXT", help="Only models whose name holds this.")
    ] = None,
    published: Annotated[
        bool, typer.Option("--published/--no-published", help="Print reported numbers beside measured ones.")
    ] = True,
    root: _Root = None,
    json: o.Json = False,
) -> None:
    """Print measured rows, and reported ones beside them with the protocol they state."""
    from vtbench.results.leaderboard_show import SHOWN, shown_rows

    rows: list[dict[str, Any]] = shown_rows(_root(root), family, metric, model, published)
    emit_rows(rows, SHOWN, json, title=f"{family}: measured and reported numbers compare under one protocol only")


def _root(given: Path | None) -> Path:
    from vtbench.tasks.files import data_root

    return data_root() / "leaderboards" if given is None else given
