"""``vtbench run``."""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from vtbench.cli import options as o
from vtbench.cli.flags import flags_given
from vtbench.cli.output import emit_records, emit_rows

if TYPE_CHECKING:
    from vtbench.run.config.schema import RunConfig


def run(
    ctx: typer.Context,
    tokenizer: o.Tokenizers = None,
    generator: o.Generators = None,
    task: o.Tasks = None,
    suite: o.SuiteName = None,
    data: o.Data = None,
    reference: o.ReferenceImages = None,
    limit: o.Limit = None,
    seed: o.Seed = 0,
    allow_small_sets: o.SmallSets = False,
    device: o.Device = "auto",
    dtype: o.Dtype = "float32",
    batch_size: o.BatchSize = None,
    workers: o.Workers = None,
    workers_of: o.WorkersOf = "env",
    offline: o.Offline = False,
    out: o.Out = Path("runs"),
    samples: o.SamplesFolder = None,
    strict: o.Strict = False,
    fresh: o.Fresh = False,
    dry_run: o.DryRun = False,
    json: o.Json = False,
    config: o.Config = None,
    save_config: o.SaveConfig = None,
    trust: o.Trust = None,
) -> None:
    """Measure tokenizers and generators on tasks. With no arguments: the suite mini, offline, in minutes."""
    from vtbench.run.config.overriding import overridden
    from vtbench.run.config.reading import read_configs

    said = flags_given(
        ctx, tokenizers=tokenizer, generators=generator, tasks=task, suite=suite, data=data, reference=reference,
        limit=limit, seed=seed, allow_small_sets=allow_small_sets, device=device, dtype=dtype, batch_size=batch_size,
        workers=workers, workers_of=workers_of, offline=offline, out=out, samples=samples, strict=strict, fresh=fresh,
    )  # fmt: skip
    asked = overridden(read_configs(config or (), trust or ()), said)
    o.go_offline(asked.offline)
    _plan_and_run(asked, save_config, dry_run, json, trust or ())


def _plan_and_run(asked: RunConfig, save_to: Path | None, dry_run: bool, json: bool, trusted: Collection[Path]) -> None:
    from vtbench.run.config.planning import plan_config
    from vtbench.run.config.saving import save_config
    from vtbench.run.progress import say
    from vtbench.run.report import DRY_RUN_COLUMNS, dry_run_rows, failed, finished_records

    planned = plan_config(asked, trusted, ("vtbench", *sys.argv[1:]))
    session = planned.session
    for note in [] if save_to is None else save_config(planned.config, save_to):
        say(note)
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
