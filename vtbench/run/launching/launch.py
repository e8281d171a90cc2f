"""Who measures a run, as flags say it: this process, processes of torchrun, an array of SLURM, or workers of Ray."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, cast, get_args

from vtbench.core.errors import UsageError

Launcher = Literal["local", "torchrun", "slurm", "ray"]
_TAKES: dict[Launcher, frozenset[str]] = {
    "local": frozenset(),
    "torchrun": frozenset({"world"}),
    "slurm": frozenset({"world", "gpus_per_worker", "cpus_per_worker", "slurm"}),
    "ray": frozenset({"world", "gpus_per_worker", "cpus_per_worker", "ray_address"}),
}


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What is said of workers.

    Attributes:
        launcher: what starts them.
        world: how many there are.
        gpus_per_worker: GPUs of one; a part of one where several share it.
        cpus_per_worker: processors of one.
        ray_address: of a cluster of Ray; this machine unless given.
        slurm: settings of SLURM, ``key=value`` each.

    Raises:
        UsageError: a setting that this launcher does not take.
    """

    launcher: Launcher = "local"
    world: int | None = None
    gpus_per_worker: float | None = None
    cpus_per_worker: int | None = None
    ray_address: str | None = None
    slurm: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        given = {item.name for item in fields(self) if getattr(self, item.name) not in (None, ())} - {"launcher"}
        for name in sorted(given - _TAKES[self.launcher]):
            takers = [launcher for launcher, taken in _TAKES.items() if name in taken]
            raise UsageError(
                f"--{name.replace('_', '-')} says nothing to --launcher {self.launcher}",
                f"it is for --launcher {' or '.join(takers)}",
            )


def as_launcher(name: str) -> Launcher:
    """A launcher by its name.

    Raises:
        UsageError: there is none of that name.
    """
    for launcher in get_args(Launcher):
        if launcher == name:
            return cast(Launcher, launcher)
    raise UsageError(f"--launcher {name}", f"there are {', '.join(get_args(Launcher))}")
