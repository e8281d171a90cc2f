"""``vtbench compare``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from vtbench.cli import completion
from vtbench.cli import options as o

if TYPE_CHECKING:
    from vtbench.results.comparing.acceleration.row import Acceleration
    from vtbench.results.comparing.compare import ComparisonReport
    from vtbench.results.comparing.differences import Comparison
    from vtbench.results.comparing.measurement import Measurement


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
    cost: Annotated[
        bool,
        typer.Option(
            "--cost",
            help="Of generators, a row each instead: speed, memory, equal codes, distances. Beside the metrics anyway "
            "where one model is sampled by two strategies.",
        ),
    ] = False,
    images: Annotated[
        bool,
        typer.Option("--images", help="In that row also PSNR and LPIPS over the images that --samples kept."),
    ] = False,
) -> None:
    """Set runs against a baseline, metric by metric: difference, interval, verdict. Reads what runs left, no model."""
    from vtbench.core.disk.files import expand_user
    from vtbench.core.errors import UsageError
    from vtbench.results.comparing.compare import compare as compared
    from vtbench.results.comparing.tables import FORMATS

    chosen = "json" if json else form
    if chosen not in (None, *FORMATS):
        raise UsageError(f"unknown format {chosen!r}", f"known: {', '.join(FORMATS)}")
    report = compared([expand_user(run) for run in runs], strata)
    form = chosen or ("table" if sys.stdout.isatty() else "tsv")
    costs = _costs(report, cost or images, images) if cost or images or form in ("table", "md") else []
    if report.rows and not cost:
        _print(report.rows, form)
    if costs and (cost or form in ("table", "md")):
        _print_costs(costs, form)
    for told in report.alone:
        typer.echo(told, err=True)
    report.require_comparable()


def _costs(report: ComparisonReport, asked: bool, images: bool) -> list[Acceleration]:
    if not images:
        return [_told_of_images(*found) for found in report.costs(asked)]
    from vtbench.run.measuring.pairs import with_image_scores

    return [with_image_scores(*found) for found in report.costs(asked)]


def _told_of_images(row: Acceleration, baseline: Measurement, candidate: Measurement) -> Acceleration:
    from dataclasses import replace

    from vtbench.results.comparing.acceleration.row import samples_folder

    kept = samples_folder(baseline) and samples_folder(candidate)
    how = "give --images" if kept else "sample both with --samples DIR, then give --images"
    return replace(row, missing=(*row.missing, f"PSNR, LPIPS: {how}"))


def _print_costs(rows: Sequence[Acceleration], form: str) -> None:
    from vtbench.results.comparing.acceleration import tables

    if form == "table":
        from rich.console import Console

        Console().print(tables.as_table(rows))
    else:
        ways = {"json": tables.as_json, "md": tables.as_markdown, "csv": tables.as_csv}
        print(ways[form](rows) if form in ways else tables.as_csv(rows, delimiter="\t"), end="")


def _print(rows: Sequence[Comparison], form: str) -> None:
    from vtbench.results.comparing import tables

    if form == "table":
        from rich.console import Console

        Console().print(*tables.as_tables(rows))
    else:
        ways = {"json": tables.as_json, "md": tables.as_markdown, "csv": tables.as_csv}
        print(ways[form](rows) if form in ways else tables.as_csv(rows, delimiter="\t"), end="")
