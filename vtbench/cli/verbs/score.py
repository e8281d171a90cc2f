"""``vtbench score``."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from vtbench.cli import completion
from vtbench.cli import options as o
from vtbench.cli.output import emit_records
from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError


def score(
    task: Annotated[
        str,
        typer.Option(
            "--task",
            autocompletion=completion.tasks,
            metavar="NAME",
            help="Task whose samples were reconstructed.",
        ),
    ],
    pred: Annotated[
        Path,
        typer.Option("--pred", metavar="DIR", parser=user_path, help="Reconstructions, matched to samples by path."),
    ],
    data: o.Data = None,
    name: Annotated[
        str | None, typer.Option("--name", help="What tables call the model. [default: the folder]")
    ] = None,
    out: o.Out = Path("runs"),
    device: o.Device = "auto",
    limit: o.Limit = None,
    batch_size: o.BatchSize = None,
    workers: o.Workers = None,
    workers_of: o.WorkersOf = "env",
    offline: o.Offline = False,
    strict: o.Strict = False,
    fresh: o.Fresh = False,
    allow_small_sets: o.SmallSets = False,
    trust: o.Trust = None,
    json: o.Json = False,
) -> None:
    """Score reconstructions that were made elsewhere, as they lie: a folder, or what VTBench's scripts write."""
    o.go_offline(offline)
    from vtbench.run.options import RunOptions
    from vtbench.run.planning.importers import locate_predictions
    from vtbench.run.planning.models import FolderSource
    from vtbench.run.report import failed, finished_records
    from vtbench.run.session import plan_session
    from vtbench.tasks import load_task

    chosen = RunOptions(
        out=out, device=device, limit=limit, batch_size=batch_size, workers=workers, strict=strict, fresh=fresh,
        workers_of=workers_of, allow_small_sets=allow_small_sets, command=("vtbench", *sys.argv[1:]),
    )  # fmt: skip
    spec = load_task(task, trust or ())
    if spec.of_generators:
        told = "samples made elsewhere: vtbench run -g folder,path=DIR --task generation-folder"
        raise UsageError(f"the task {spec.name} is one for generators, and --pred gives reconstructions", told)
    found = locate_predictions(pred, data)
    make_source = partial(FolderSource, found.folder, name or pred.resolve().name)
    session = plan_session([make_source], [spec], found.data, chosen)
    outcomes = session.run(reraise=o.debugging())
    emit_records(finished_records(session, outcomes), json)
    if failed(session, outcomes):
        raise typer.Exit(1)
