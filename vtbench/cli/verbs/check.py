"""``vtbench check``."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vtbench.cli import options as o
from vtbench.cli.output import emit_rows
from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError, VtbenchError

if TYPE_CHECKING:
    from vtbench.results.comparing.check import CheckReport

_ON_A_TERMINAL = ("metric", "baseline", "value", "difference", "tolerance", "verdict", "why")


def check(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN…", parser=user_path, help="Run folders, or folders above runs.")
    ],
    baseline: Annotated[
        Path, typer.Option("--baseline", metavar="FILE|RUN", parser=user_path, help="What must not get worse.")
    ],
    update: Annotated[bool, typer.Option("--update", help="Write the runs into the baseline.")] = False,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="The runs are repeats of one job: store how far they differ.")
    ] = False,
    tolerance: Annotated[
        list[str] | None, typer.Option("--tolerance", metavar="METRIC=VALUE", help="Instead of the task's; repeatable.")
    ] = None,
    strata: Annotated[bool, typer.Option("--strata", help="Parts of the samples too, e.g. by glyph size.")] = False,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", parser=user_path, help="Write a JUnit report.")
    ] = None,
    json: o.Json = False,
) -> None:
    """Fail when a run is worse than its baseline. Exit 0 fine, 1 a regression, 3 not comparable. Reads records only."""
    if update or calibrate:
        _store(runs, baseline, update, calibrate)
        return
    from vtbench.results.comparing.check import check as checked
    from vtbench.results.comparing.junit import write_junit

    report = checked(runs, baseline, strata, _tolerances(tolerance or []))
    if junit is not None:
        write_junit(report.findings, junit)
    _print(report, json)
    _summarise(report)
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _store(runs: list[Path], path: Path, update: bool, calibrate: bool) -> None:
    from vtbench.results.comparing.baseline import write_baseline
    from vtbench.results.comparing.baseline_update import calibrated, opened, updated
    from vtbench.results.comparing.sources import load_measurements

    if update and calibrate:
        raise UsageError("--update and --calibrate exclude each other", "update first, then calibrate with its repeats")
    before, found = opened(path), [measurement for run in runs for measurement in load_measurements(run, _refuse)]
    after = calibrated(before, found) if calibrate else updated(before, found)
    write_baseline(after, path)
    done = "repeats" if calibrate else "runs"
    typer.echo(f"{path}: {len(after.jobs)} jobs, from {len(found)} {done}", err=True)


def _refuse(problem: VtbenchError) -> None:
    """A baseline is not written from a part of the runs that were named."""
    raise problem


def _tolerances(words: list[str]) -> dict[str, float]:
    found = {}
    for word in words:
        name, _, text = word.partition("=")
        try:
            found[name] = float(text)
        except ValueError:
            raise UsageError(f"--tolerance {word} is no METRIC=VALUE", "as in --tolerance psnr=0.1") from None
        if not 0 <= found[name] < math.inf:
            raise UsageError(f"--tolerance {word} must be a number from 0 up")
    return found


def _print(report: CheckReport, as_json: bool) -> None:
    from dataclasses import asdict, fields

    from vtbench.results.comparing.check import Finding
    from vtbench.results.records import strict_json

    rows = [asdict(finding) for finding in report.findings]
    if as_json:
        print(strict_json.dumps(rows), end="")
    elif sys.stdout.isatty():
        for task, model in dict.fromkeys((finding.task, finding.model) for finding in report.findings):
            mine = [_shown(row) for row in rows if (row["task"], row["model"]) == (task, model)]
            emit_rows(mine, _ON_A_TERMINAL, as_json=False, title=f"{task}: {model}")
    else:
        emit_rows(rows, [field.name for field in fields(Finding)], as_json=False)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """For people: a stratum beside its metric."""
    return row if row["stratum"] == "all" else {**row, "metric": f"{row['metric']} ({row['stratum']})"}


def _summarise(report: CheckReport) -> None:
    """What a person reads first, on stderr: why it failed, and what else changed."""
    from vtbench.results.comparing.verdict import BETTER, NOT_COMPARABLE, OK, REGRESSION

    for finding in report.findings:
        if finding.verdict in (REGRESSION, NOT_COMPARABLE):
            where = finding.metric if finding.stratum == "all" else f"{finding.metric} ({finding.stratum})"
            gap = "" if finding.difference is None else f" {finding.difference:+.4g}"
            told = f"{finding.verdict}: {finding.model} on {finding.task}: {where}{gap}: {finding.why}"
            typer.echo(told, err=True)
    for change in report.changes:
        typer.echo(f"changed besides: {change}", err=True)
    counts = ", ".join(f"{report.count(verdict)} {verdict}" for verdict in (REGRESSION, NOT_COMPARABLE, OK, BETTER))
    typer.echo(f"check: {counts}", err=True)
    if report.exit_code == 0 and report.count(BETTER):
        typer.echo("better than the baseline: keep it with --update", err=True)
    if report.exit_code == 3:
        typer.echo("if the change of protocol or data is meant, write the baseline again with --update", err=True)
