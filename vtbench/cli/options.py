"""Options that mean the same in every verb."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vtbench.cli import completion
from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError


def _given(option: typer.CallbackParam, value: str | None) -> str | None:
    """Refuse the empty text that a shell variable leaves where it is not set: it would mean something else."""
    if value is not None and not value.strip():
        raise UsageError(f"--{option.name} is empty", "give it a value, or leave it out")
    return value


Tokenizers = Annotated[
    list[str] | None,
    typer.Option(
        "--tokenizer",
        "-t",
        autocompletion=completion.tokenizers,
        metavar="NAME[,k=v…]",
        help="Tokenizer to measure; repeatable.",
    ),
]
Generators = Annotated[
    list[str] | None,
    typer.Option(
        "--generator",
        "-g",
        autocompletion=completion.generators,
        metavar="NAME[,k=v…]",
        help="Generator to measure; repeatable.",
    ),
]
ReferenceImages = Annotated[
    str | None,
    typer.Option(
        "--reference",
        metavar="FILE|DATA",
        callback=_given,
        help="What generated images are compared with: statistics or a data set.",
    ),
]
TrainingImages = Annotated[
    str | None,
    typer.Option(
        "--training",
        metavar="DATA",
        callback=_given,
        help="Images that a generator was trained on, of tasks that look for copies.",
    ),
]
SamplesFolder = Annotated[
    Path | None,
    typer.Option(
        "--samples",
        metavar="DIR",
        parser=user_path,
        help="Also write every generated image; of prompts in GenEval's layout.",
    ),
]
Tasks = Annotated[
    list[str] | None,
    typer.Option(
        "--task",
        autocompletion=completion.tasks,
        metavar="NAME",
        help="Task, or path to a task's YAML; repeatable.",
    ),
]
SuiteName = Annotated[
    str | None,
    typer.Option(
        "--suite",
        autocompletion=completion.suites,
        callback=_given,
        metavar="NAME",
        help="Suite, or path to a suite's YAML; mini where neither is given.",
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        autocompletion=completion.data_sets,
        callback=_given,
        metavar="DIR",
        help="Images: a folder, tars, parquet, or a data set reference.",
    ),
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", parser=user_path, help="Folder for runs.")]
Device = Annotated[str, typer.Option("--device", autocompletion=completion.devices, help="auto, cpu, cuda or cuda:N.")]
Dtype = Annotated[
    str,
    typer.Option(
        "--dtype",
        autocompletion=completion.dtypes,
        help="Arithmetic of the model: float32, bfloat16 or float16.",
    ),
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="Only the first N samples.")]
BatchSize = Annotated[int | None, typer.Option("--batch-size", min=1, metavar="N", help="Images a model call.")]
Workers = Annotated[int | None, typer.Option("--workers", min=0, metavar="N", help="Decoding processes.")]


def _workers_of(value: str) -> str:
    if value not in ("env", "none"):
        raise UsageError(f"--workers-of {value}", "--workers-of env, or --workers-of none")
    return value


WorkersOf = Annotated[
    str,
    typer.Option(
        "--workers-of",
        metavar="env|none",
        callback=_workers_of,
        help="env: share blocks as torchrun's or srun's variables say; none: measure everything here.",
    ),
]
Launcher = Annotated[
    str,
    typer.Option(
        "--launcher",
        metavar="local|torchrun|slurm|ray",
        autocompletion=completion.launchers,
        help="Who measures: this process; a process a GPU here; an array of SLURM; workers of Ray.",
    ),
]
World = Annotated[int | None, typer.Option("--world", min=1, metavar="N", help="How many workers a launcher starts.")]
GpusPerWorker = Annotated[
    float | None, typer.Option("--gpus-per-worker", min=0, metavar="N", help="GPUs of a worker of Ray or SLURM.")
]
CpusPerWorker = Annotated[
    int | None, typer.Option("--cpus-per-worker", min=1, metavar="N", help="Processors of a worker of Ray or SLURM.")
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray-address", metavar="HOST:PORT", callback=_given, help="A cluster of Ray; else Ray on this machine."
    ),
]
SlurmSettings = Annotated[
    list[str] | None,
    typer.Option("--slurm", metavar="KEY=VALUE", help="partition, time, account, qos, mem, constraint; repeatable."),
]
Seed = Annotated[int, typer.Option("--seed", help="Base seed; each sample's seed follows from it and its id.")]
Offline = Annotated[
    bool,
    typer.Option("--offline/--no-offline", show_default=False, help="Never touch the network."),
]
Strict = Annotated[
    bool,
    typer.Option("--strict/--no-strict", show_default=False, help="Stop at the first sample that fails."),
]
Fresh = Annotated[
    bool,
    typer.Option(
        "--fresh/--no-fresh",
        show_default=False,
        help="Discard what an earlier run of the same job left.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the jobs and stop.")]
SmallSets = Annotated[
    bool,
    typer.Option(
        "--allow-small-sets/--no-allow-small-sets",
        show_default=False,
        help="Compute FID on fewer than 2,048 images.",
    ),
]
Trust = Annotated[
    list[Path] | None,
    typer.Option(
        "--trust",
        metavar="FILE",
        parser=user_path,
        help="Let code and programs run that this file names; a folder stands for all below it. Repeatable.",
    ),
]
Config = Annotated[
    list[str] | None,
    typer.Option(
        "--config",
        metavar="FILE",
        autocompletion=completion.yaml_files,
        help="YAML file that says all of this, or - for stdin; flags replace what it says.",
    ),
]
SaveConfig = Annotated[
    Path | None,
    typer.Option(
        "--save-config",
        metavar="FILE",
        parser=user_path,
        help="Write what is planned as a file for --config; with --dry-run nothing is measured.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


def go_offline(offline: bool) -> None:
    """Set the switches that vtbench and the hub libraries read, in this process and in its workers."""
    import os

    if offline:
        os.environ.update({"VTBENCH_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"})


def debugging() -> bool:
    """Whether ``--debug`` was given."""
    import os

    return bool(os.environ.get("VTBENCH_DEBUG"))
