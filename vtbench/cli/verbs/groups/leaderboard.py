"""``vtbench leaderboard``: tables that follow from records, and published numbers beside them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vtbench.cli import completion
from vtbench.cli import options as o
from vtbench.cli.output import emit_records, emit_rows
from vtbench.cli.verbs.groups.leaderboard_page import page
from vtbench.core.disk.files import user_path

if TYPE_CHECKING:
    from vtbench.results.leaderboards.reported import LinkedCard
    from vtbench.results.leaderboards.show import Shown

leaderboard = typer.Typer(help="Leaderboards: add, build, check, show, page.", no_args_is_help=True)
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
    from vtbench.results.leaderboards.folder import add_records

    for added in add_records(runs, _writable(root)):
        for warning in added.warnings:
            typer.echo(f"warning: {warning}", err=True)
        if not added.is_new:
            typer.echo(f"{added.path} holds the same results already", err=True)
        typer.echo(str(added.path))


@leaderboard.command("build")
def build(root: _Root = None) -> None:
    """Write the CSVs from the records."""
    from vtbench.results.leaderboards.folder import build as build_all

    for path in build_all(_writable(root)).values():
        typer.echo(str(path))


@leaderboard.command("check")
def check(root: _Root = None) -> None:
    """Check that the CSVs are what the records say, and that every published number is whole. Exit 1 where not."""
    from vtbench.checkpoints.cards import anchor_problems
    from vtbench.metrics.catalog.lookup import metric_names
    from vtbench.results.leaderboards.check import check as check_all

    folder = _root(root)
    problems = [*check_all(folder, metric_names()), *anchor_problems(metric_names())]
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{folder}: the CSVs are what the records say, and every published row is whole")


@leaderboard.command("show")
def show(
    family: Annotated[
        str,
        typer.Argument(
            metavar="[FAMILY]",
            autocompletion=completion.families,
            help="reconstruction, detail, text …",
        ),
    ] = "reconstruction",
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            autocompletion=completion.metrics,
            metavar="NAME",
            help="Only this metric; repeatable.",
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="TEXT", help="Only models whose name holds this.")
    ] = None,
    task: Annotated[
        str | None,
        typer.Option("--task", autocompletion=completion.tasks, metavar="NAME", help="Only what was measured on this."),
    ] = None,
    max_bpp: Annotated[
        float | None, typer.Option("--max-bpp", metavar="X", min=0.0, help="Only models of at most X bits a pixel.")
    ] = None,
    sort: Annotated[
        str,
        typer.Option(
            "--sort",
            autocompletion=completion.orders,
            metavar="NAME",
            help="rate, model, or a metric: its best first.",
        ),
    ] = "rate",
    published: Annotated[
        bool, typer.Option("--published/--no-published", help="Print reported numbers beside measured ones.")
    ] = True,
    root: _Root = None,
    json: o.Json = False,
) -> None:
    """Print measured rows as show prints runs, and reported ones in a table of their own, linked to their cards."""
    from vtbench.results.leaderboards.selection import Selection
    from vtbench.results.leaderboards.show import shown

    selection = Selection(metrics=tuple(metric or ()), model=model, task=task, max_bpp=max_bpp, sort=sort)
    found = shown(_root(root), family, selection, _cards() if published else None, published)
    _emit(found, json, family)
    if found.warning:
        typer.echo(found.warning, err=True)


leaderboard.command("page")(page)


def _cards() -> dict[str, LinkedCard]:
    """Cards of reported models: results know no tokenizers, so they are told here."""
    from vtbench.results.leaderboards.reported import LinkedCard
    from vtbench.tokenizers.reported import cards_of_reported

    return {
        reported: LinkedCard(card.name, None if card.geometry is None else card.geometry.bits_per_pixel)
        for reported, card in cards_of_reported().items()
    }


def _emit(found: Shown, json: bool, family: str) -> None:
    """JSON is one object of two lists; in a pipe an empty line parts the two tables."""
    from vtbench.results.leaderboards.reported import COLUMNS, reported_table
    from vtbench.results.records import strict_json
    from vtbench.results.tables.delimited import results_rows

    if json:
        measured = results_rows(found.measured, found.metrics)
        print(strict_json.dumps({"measured": measured, "reported": list(found.reported)}))
        return
    if found.measured:
        emit_records(found.measured, False, found.metrics)
    if found.measured and found.reported:
        print()
    if found.reported and sys.stdout.isatty():
        from rich.console import Console

        Console().print(reported_table(found.reported, f"reported, beside {family}"))
    elif found.reported:
        emit_rows(found.reported, COLUMNS, False)


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
