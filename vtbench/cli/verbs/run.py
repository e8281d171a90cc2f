"""``vtbench run``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from vtbench.cli import options as o
from vtbench.cli.output import emit_records, emit_rows

if TYPE_CHECKING:
    from vtbench.run.planning.models import Source


def run(
    tokenizer: o.Tokenizers = None,
    generator: o.Generators = None,
    task: o.Tasks = None,
    data: o.Data = None,
    reference: o.ReferenceImages = None,
    samples: o.SamplesFolder = None,
    suite: o.SuiteName = None,
    out: o.Out = Path("runs"),
    device: o.Device = "auto",
    dtype: o.Dtype = "float32",
    limit: o.Limit = None,
    batch_size: o.BatchSize = None,
    workers: o.Workers = None,
    workers_of: o.WorkersOf = "env",
    seed: o.Seed = 0,
    offline: o.Offline = False,
    strict: o.Strict = False,
    fresh: o.Fresh = False,
    allow_small_sets: o.SmallSets = False,
    dry_run: o.DryRun = False,
    trust: o.Trust = None,
    json: o.Json = False,
) -> None:
    """Measure tokenizers and generators on tasks. With no arguments: the suite mini, offline, in minutes."""
    o.go_offline(offline)
    from vtbench.run.options import RunOptions
    from vtbench.run.planning.generators import GeneratorSource
    from vtbench.run.planning.models import source_of
    from vtbench.run.planning.selection import select
    from vtbench.run.report import DRY_RUN_COLUMNS, dry_run_rows, failed, finished_records
    from vtbench.run.session import plan_session
    from vtbench.tasks import load_task

    selection = select(tokenizer or (), generator or (), task or (), suite, data is not None, trust or ())
    chosen = RunOptions(
        out=out, device=device, dtype=dtype, limit=limit, batch_size=batch_size, workers=workers, seed=seed,
        workers_of=workers_of, strict=strict, fresh=fresh, allow_small_sets=allow_small_sets, reference=reference,
        samples=samples, command=("vtbench", *sys.argv[1:]),
    )  # fmt: skip
    makers: list[Callable[[], Source]] = [partial(source_of, name) for name in selection.tokenizers]
    makers += [partial(GeneratorSource, name) for name in selection.generators]
    session = plan_session(makers, [load_task(name, trust or ()) for name in selection.tasks], data, chosen)
    if dry_run:
        emit_rows(dry_run_rows(session), DRY_RUN_COLUMNS, json, title="jobs")
        if session.broken:
            raise typer.Exit(1)
        return
    outcomes = session.run(reraise=o.debugging())
    records = finished_records(session, outcomes)
    if records:
        emit_records(records, json)
    if failed(session, outcomes):
        raise typer.Exit(1)
