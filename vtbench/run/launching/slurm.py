"""An array of SLURM: each of its elements measures a share of every job's blocks, on a folder that all of them see.

Element i of n has every n-th block from the i-th on, of the full list, so that an array that is submitted again means
the same. They meet in nothing but the folder: whoever finishes the last block of a job scores it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtbench.core.disk.files import user_path
from vtbench.core.errors import AssetMissingError, UsageError, VtbenchError
from vtbench.core.extras import install_extra
from vtbench.run.config.overriding import overridden
from vtbench.run.config.planning import plan_config
from vtbench.run.config.schema import RunConfig
from vtbench.run.executing.peers import WORKERS
from vtbench.run.launching.launch import Launch
from vtbench.run.launching.order import Order

LOGS = "slurm"
_SETTINGS = ("account", "cluster", "constraint", "mem", "partition", "qos", "time")
_TIME = re.compile(
    r"(?P<days>\d+)-(?P<hours>\d+)(?::(?P<minutes>\d\d)(?::\d\d)?)?|(?P<of_day>\d+):(?P<of_hour>\d\d):\d\d|(?P<only>\d+)"
)
_DEFAULT_MINUTES = 60


@dataclass(frozen=True)
class Submitted:
    """Elements of an array that were handed over.

    Attributes:
        jobs: their ids.
        logs: the folder of what they print.
    """

    jobs: tuple[str, ...]
    logs: Path


@dataclass(frozen=True)
class Share:
    """One element. It is called on its machine; when SLURM takes the machine away, it is queued again as it is.

    Attributes:
        order: what it plans.
        rank: number of the element.
        world: elements of the array.
    """

    order: Order
    rank: int
    world: int

    def __call__(self) -> dict[str, str]:
        """Measure the share; what became of each job, by its folder.

        Raises:
            VtbenchError: a job failed.
        """
        os.chdir(self.order.folder)
        os.environ.update({"RANK": str(self.rank), "WORLD_SIZE": str(self.world), "LOCAL_RANK": "0"})
        session = self.order.planned({"workers_of": "env"})
        outcomes = session.run(wait=False)
        failed = [outcome for outcome in outcomes if outcome.state == "failed"]
        if failed or session.broken:
            error = failed[0].error if failed else session.broken[0].error
            raise VtbenchError(f"{len(failed) + len(session.broken)} jobs failed; the first: {error}")
        return {str(outcome.plan.folder): outcome.state for outcome in outcomes}

    def checkpoint(self) -> Any:
        """What is queued when the machine is taken away: blocks that are done are not measured again."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def submit(asked: RunConfig, launch: Launch, trusted: Collection[Path]) -> Submitted:
    """Plan here, so that what is wrong is told now, and hand the array over.

    Raises:
        AssetMissingError: submitit is not installed.
        UsageError: what cannot be planned, settings that are none, or no SLURM here.
    """
    try:
        import submitit
    except ImportError as error:
        raise AssetMissingError("--launcher slurm needs submitit", install_extra("slurm")) from error
    settings, world = _settings(launch.slurm), launch.world or 1
    if asked.fresh:
        raise UsageError("--fresh cannot be used under several workers", "delete the run folder first")
    alone = overridden(asked, {"workers_of": "none"})
    planned = plan_config(alone, trusted, (), "cuda" if launch.gpus_per_worker else None)
    logs = user_path(asked.out) / WORKERS / LOGS
    try:
        executor = submitit.AutoExecutor(folder=logs, cluster=settings.pop("cluster", "slurm"))
    except Exception as error:
        raise UsageError(f"jobs cannot be submitted here: {error}", "give the command where sbatch is") from error
    executor.update_parameters(
        name="vtbench",
        timeout_min=_minutes(settings.pop("time", str(_DEFAULT_MINUTES))),
        cpus_per_task=launch.cpus_per_worker or 1,
        gpus_per_node=int(launch.gpus_per_worker or 0),
        **{f"slurm_{name}": value for name, value in settings.items()},
    )
    order = Order.of(planned.config, trusted)
    with executor.batch():
        jobs = [executor.submit(Share(order, rank, world)) for rank in range(world)]
    return Submitted(tuple(job.job_id for job in jobs), logs)


def _settings(pairs: tuple[str, ...]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for pair in (part for text in pairs for part in text.split(",")):
        name, equals, value = pair.partition("=")
        if not equals or not value or name not in _SETTINGS:
            raise UsageError(f"--slurm {pair}", f"write key=value with one of {', '.join(_SETTINGS)}")
        settings[name] = value
    return settings


def _minutes(text: str) -> int:
    """Of SLURM's ``MINUTES``, ``HOURS:MINUTES:SECONDS`` or ``DAYS-HOURS[:MINUTES[:SECONDS]]``."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise UsageError(f"--slurm time={text}", "write minutes, hours:minutes:seconds, or days-hours:minutes")
    part = {name: int(value or 0) for name, value in match.groupdict().items()}
    hours = part["days"] * 24 + part["hours"] + part["of_day"]
    return part["only"] or hours * 60 + part["minutes"] + part["of_hour"]
