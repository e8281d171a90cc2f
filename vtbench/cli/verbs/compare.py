"""``vtbench compare``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from vtbench.cli import completion
from vtbench.cli import options as o

if TYPE_CHECKING:
    from vtbench.results.comparing.differences import Comparison


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="A B…",
            autocompletion=completion.measured,
            help="Run folders, records, folders above runs, baselines, leaderboard CSVs; one model of any as "
            "PLACE#MODEL; or a folder and names of models in it: RUNS MODEL MODEL.",
        ),
    ],
    strata: Annotated[bool, typer.Option("--strata", help="Parts of the samples too, e.g. by glyph size.")] = False,
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="FORMAT", help="table, md, csv or json. [default: table; TSV in a pipe]"),
    ] = None,
    json: o.Json = False,
) -> None:
    """Set runs against a baseline, metric by metric: difference, interval, verdict. Reads records only."""
    from vtbench.core.disk.files import expand_user
    from vtbench.core.errors import UsageError
    from vtbench.results.comparing.compare import compare as compared
    from vtbench.results.comparing.tables import FORMATS

    chosen = "json" if json else form
    if chosen not in (None, *FORMATS):
        raise UsageError(f"unknown format {chosen!r}", f"known: {', '.join(FORMATS)}")
    report = compared([expand_user(run) for run in runs], strata)
    if report.rows:
        _print(report.rows, chosen or ("table" if sys.stdout.isatty() else "tsv"))
    for told in report.alone:
        typer.echo(told, err=True)
    report.require_comparable()


def _print(rows: Sequence[Comparison], form: str) -> None:
    from vtbench.results.comparing import tables

    if form == "table":
        from rich.console import Console

        Console().print(*tables.as_tables(rows))
    else:
        ways = {"json": tables.as_json, "md": tables.as_markdown, "csv": tables.as_csv}
        print(ways[form](rows) if form in ways else tables.as_csv(rows, delimiter="\t"), end="")
