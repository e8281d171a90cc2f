"""Which share of the blocks this process measures. Workers meet in the run folder only: no collectives, no ports."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from vtbench.core.errors import UsageError

T = TypeVar("T")

# (rank, world, local rank) as the launchers name them. A SLURM *batch* script has SLURM_NTASKS but is one process:
# only a step started by srun has SLURM_STEP_NUM_TASKS, so that one counts.
_LAUNCHERS = (
    ("RANK", "WORLD_SIZE", "LOCAL_RANK"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"),
)


@dataclass(frozen=True)
class Worker:
    """This process among ``world`` equals, as two variables of the environment say."""

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    variables: tuple[str, str] = ("RANK", "WORLD_SIZE")

    @property
    def alone(self) -> bool:
        """Whether nobody else takes part."""
        return self.world == 1

    def share(self, blocks: Sequence[T]) -> list[T]:
        """Every ``world``-th item from ``rank``: all items are dealt, none twice."""
        return list(blocks[self.rank :: self.world])

    def run_of(self, blocks: Sequence[T]) -> list[T]:
        """The ``rank``-th of ``world`` runs of neighbours, as equal in length as can be."""
        ends = [len(blocks) * rank // self.world for rank in (self.rank, self.rank + 1)]
        return list(blocks[ends[0] : ends[1]])


def current_worker(environment: Mapping[str, str] = os.environ) -> Worker:
    """Read torchrun's, accelerate's or srun's variables; alone otherwise.

    Raises:
        UsageError: the variables contradict each other.
    """
    for rank_name, world_name, local_name in _LAUNCHERS:
        if rank_name in environment and world_name in environment:
            try:
                worker = Worker(
                    int(environment[rank_name]),
                    int(environment[world_name]),
                    int(environment.get(local_name, 0)),
                    (rank_name, world_name),
                )
            except ValueError as error:
                raise UsageError(f"{rank_name}, {world_name}, {local_name} must be whole numbers") from error
            if not 0 <= worker.rank < worker.world:
                raise UsageError(f"{rank_name}={worker.rank} does not fit {world_name}={worker.world}")
            return worker
    return Worker()
