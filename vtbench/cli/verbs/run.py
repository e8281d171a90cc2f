"""``vtbench run``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from vtbench.cli import options as o
from vtbench.cli.flags import flags_given
from vtbench.cli.output import emit_records, emit_rows

if TYPE_CHECKING:
    from vtbench.run.config.planning import Planned
    from vtbench.run.config.schema import RunConfig
    from vtbench.run.launching.launch import Launch


def run(
    ctx: typer.Context,
    tokenizer: o.Tokenizers = None,
    generator: o.Generators = None,
    task: o.Tasks = None,
    suite: o.SuiteName = None,
    data: o.Data = None,
    reference: o.ReferenceImages = None,
    training: o.TrainingImages = None,
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
    launcher: o.Launcher = "local",
    world: o.World = None,
    gpus_per_worker: o.GpusPerWorker = None,
    cpus_per_worker: o.CpusPerWorker = None,
    ray_address: o.RayAddress = None,
    slurm: o.SlurmSettings = None,
) -> None:
    """Measure tokenizers and generators on tasks. With no arguments: the suite mini, offline, in minutes."""
    from vtbench.run.config.overriding import overridden
    from vtbench.run.config.reading import read_configs
    from vtbench.run.launching.launch import Launch, as_launcher

    launch = Launch(
        launcher=as_launcher(launcher), world=world, gpus_per_worker=gpus_per_worker,
        cpus_per_worker=cpus_per_worker, ray_address=ray_address, slurm=tuple(slurm or ()),
    )  # fmt: skip
    said = flags_given(
        ctx, tokenizers=tokenizer, generators=generator, tasks=task, suite=suite, data=data, reference=reference,
        training=training, limit=limit, seed=seed, allow_small_sets=allow_small_sets, device=device, dtype=dtype,
        batch_size=batch_size, workers=workers, workers_of=workers_of, offline=offline, out=out, samples=samples,
        strict=strict, fresh=fresh,
    )  # fmt: skip
    asked = overridden(read_configs(config or (), trust or ()), said)
    o.go_offline(asked.offline)
    once = _Once(save_config, dry_run, json, trust or [], ["vtbench", *sys.argv[1:]])
    _launched(asked, launch, once)


@dataclass(frozen=True)
class _Once:
    """What is said of one call alone."""

    save_to: Path | None
    dry_run: bool
    json: bool
    trusted: list[Path]
    command: list[str]


def _launched(asked: RunConfig, launch: Launch, once: _Once) -> None:
    """Start what measures, and wait for it where it is to be waited for."""
    from vtbench.run.config.planning import plan_config

    if launch.launcher == "torchrun" and not once.dry_run:
        from vtbench.run.launching.torchrun import run_under_torchrun

        raise typer.Exit(run_under_torchrun(launch, sys.argv[1:]))
    if launch.launcher == "slurm" and not once.dry_run:
        _submit(asked, launch, once)
    elif launch.launcher == "ray" and not once.dry_run:
        from vtbench.run.launching.ray_session import planned_on_ray

        with planned_on_ray(asked, launch, once.trusted, once.command) as planned:
            _run(planned, once)
    else:
        _run(plan_config(asked, once.trusted, once.command), once)


def _submit(asked: RunConfig, launch: Launch, once: _Once) -> None:
    from vtbench.run.launching.slurm import submit
    from vtbench.run.progress import say

    submitted = submit(asked, launch, once.trusted)
    emit_rows([{"job": job} for job in submitted.jobs], ("job",), once.json)
    say(f"what is done: vtbench status {asked.out}; what they print: {submitted.logs}")


def _run(planned: Planned, once: _Once) -> None:
    from vtbench.run.config.saving import save_config
    from vtbench.run.progress import say
    from vtbench.run.report import DRY_RUN_COLUMNS, dry_run_rows, failed, finished_records

    session = planned.session
    for note in [] if once.save_to is None else save_config(planned.config, once.save_to):
        say(note)
    if once.dry_run:
        emit_rows(dry_run_rows(session), DRY_RUN_COLUMNS, once.json, title="jobs")
        if session.broken:
            raise typer.Exit(1)
        return
    outcomes = session.run(reraise=o.debugging())
    records = finished_records(session, outcomes)
    if records:
        emit_records(records, once.json)
    if failed(session, outcomes):
        raise typer.Exit(1)
