"""``vtbench leaderboard``: tables that follow from records, and published numbers beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vtbench.cli import options as o
from vtbench.cli.output import emit_rows
from vtbench.core.files import user_path

leaderboard = typer.Typer(help="Leaderboards: add, build, check, show.", no_args_is_help=True)
_Root = Annotated[
    Path | None,
    typer.Option(
        "--root", metavar="DIR", parser=user_path, help="Leaderboard folder. [default: the one that is shipped]"
    ),
]


@leaderboard.command("add")
def add(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN…", parser=user_path, help="Records, run folders, or folders above them."),
    ],
    root: _Root = None,
) -> None:
    """Copy the records of finished runs into the leaderboard's folder, as they are."""
    from vtbench.results.leaderboard import add_records

    for added in add_records(runs, _writable(root)):
        for warning in added.warnings:
            typer.echo(f"warning: {warning}", err=True)
        if not added.is_new:
            typer.echo(f"{added.path} holds the same results already", err=True)
        typer.echo(str(added.path))


@leaderboard.command("build")
def build(root: _Root = None) -> None:
    """Write the CSVs from the records."""
    from vtbench.results.leaderboard import build as build_all

    for path in build_all(_writable(root)).values():
        typer.echo(str(path))


@leaderboard.command("check")
def check(root: _Root = None) -> None:
    """Check that the CSVs are what the records say, and that every published row is whole. Exit 1 where not."""
    from vtbench.results.leaderboard_check import check as check_all

    folder = _root(root)
    problems = check_all(folder)
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{folder}: the CSVs are what the records say, and every published row is whole")


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
    from vtbench.results.leaderboard_show import SHOWN, shown_rows, warning

    rows = shown_rows(_root(root), family, metric, model, published)
    emit_rows(rows, SHOWN, json, title=family)
    if told := warning(rows):
        typer.echo(told, err=True)


def _root(given: Path | None) -> Path:
    from vtbench.tasks.files import data_root

    return data_root() / "leaderboards" if given is None else given


def _writable(given: Path | None) -> Path:
    """The folder to write to: that of a checkout unless one is given, never that of an installed package."""
    from vtbench.core.errors import UsageError

    folder = _root(given)
    if given is None and folder.parent.name == "_data":
        raise UsageError("the leaderboards of an installed package are not written to", "give --root DIR")
    return folder
