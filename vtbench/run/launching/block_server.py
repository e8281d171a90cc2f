"""What measures blocks for a process that shares no folder with it: plans the same invocation, sends files back."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from vtbench.core.errors import UsageError
from vtbench.run.device import choose_device, make_deterministic
from vtbench.run.executing.carrying import block_files, reference_files, sample_files, taken_up
from vtbench.run.executing.job import Prepared, written_blocks
from vtbench.run.launching.order import Order
from vtbench.run.measuring.evaluators import Evaluators, Networks
from vtbench.run.planning.jobs import JobPlan
from vtbench.run.planning.models import Source
from vtbench.run.progress import told_to
from vtbench.run.scoring.copies.beside import jobs_beside
from vtbench.run.storing.references import FOLDER
from vtbench.run.worker import Worker
from vtbench.tasks import TaskSpec

_SENT_ONCE = (".webp",)
_Other: TypeAlias = "tuple[TaskSpec, Callable[[Evaluators], Evaluators]]"


@dataclass(frozen=True)
class Delivery:
    """Files of what was done, by their place below the folder of runs and below the job's folder of samples, and what
    was said."""

    runs: Mapping[str, bytes]
    samples: Mapping[str, bytes]
    said: tuple[str, ...]


class BlockServer:
    """Measures blocks in a folder of its own, which ends with it.

    Args:
        order: what to plan.
        rank: number of the server, which names what it notes of files that others' code reads.

    Raises:
        UsageError: another version of vtbench, or what cannot be planned here.
    """

    def __init__(self, order: Order, rank: int) -> None:
        with suppress(OSError):  # where machines share no folders, the invocation names none by its place
            os.chdir(order.folder)
        make_deterministic()
        self._place = tempfile.TemporaryDirectory(prefix="vtbench-worker-")
        self._worker = Worker(rank)
        said: list[str] = []
        with told_to(said.append):
            self._session = order.planned(self._here(order.invocation))
        self._jobs = dict(_jobs(self._session.jobs))
        self._device = choose_device(self._session.options.device, self._worker)
        self._networks = Networks()
        self._sent: set[Path] = set()
        self._held: Source | None = None

    def prepare(self, key: str) -> tuple[Prepared, Delivery]:
        """What only a machine that measures can tell of a job, and the statistics that it compares with.

        Raises:
            UsageError: no such job is planned here.
        """
        said: list[str] = []
        with told_to(said.append):
            plan, evaluators = self._turn_to(key)
            prepared = Prepared.here(plan, evaluators, self._device)
        statistics = [plan.out / FOLDER / name for name in prepared.compared.names]
        return prepared, Delivery(self._new(plan, statistics), {}, tuple(said))

    def measure(self, key: str, indices: Sequence[int], events: Mapping[int, str]) -> Iterator[tuple[int, Delivery]]:
        """Measure blocks of a job by their index, in turn; each is delivered once it is done.

        Args:
            key: of the job.
            indices: of the blocks.
            events: what happened to one before, for the record.

        Raises:
            UsageError: no such job is planned here.
        """
        said: list[str] = []
        with told_to(said.append):
            plan, evaluators = self._turn_to(key)
            blocks = [plan.data.blocks[index] for index in indices]
            for block in written_blocks(plan, evaluators, self._device, self._worker, blocks, events):
                files = self._new(plan, [*reference_files(plan, evaluators, [block]), *block_files(plan, [block])])
                folder = plan.options.samples
                images = {} if folder is None else taken_up(folder, sample_files(plan, block))
                yield block.index, Delivery(files, images, tuple(said))
                said.clear()

    def _turn_to(self, key: str) -> tuple[JobPlan, Evaluators]:
        if key not in self._jobs:
            raise UsageError(
                f"a worker plans other jobs than {key}",
                "give every machine the same vtbench, the same files, the same data and as many GPUs",
            )
        plan, beside = self._jobs[key]
        if self._held is not None and (self._held is not plan.source or not plan.source.serves_on):
            self._held.release()
        self._held = plan.source
        if beside is None:
            return plan, self._networks.of(plan.task, self._device)
        task, evaluators = beside
        return plan, evaluators(self._networks.of(task, self._device))

    def _new(self, plan: JobPlan, paths: Sequence[Path]) -> dict[str, bytes]:
        """Files that were not sent before, of those that stay as they are."""
        new = [path for path in paths if path not in self._sent]
        self._sent.update(path for path in new if FOLDER in path.parts or path.suffix in _SENT_ONCE)
        return taken_up(plan.out, new)

    def _here(self, invocation: Mapping[str, Any]) -> dict[str, Any]:
        """What is written is written to the server's own folder."""
        place = Path(self._place.name).resolve()
        here: dict[str, Any] = {"out": str(place / "runs"), "workers_of": "none", "fresh": False}
        return {**here, "samples": str(place / "samples")} if "samples" in invocation else here


def _jobs(plans: Sequence[JobPlan]) -> Iterator[tuple[str, tuple[JobPlan, _Other | None]]]:
    """Jobs by their keys; with one that goes beside another, the task of that one and what makes its metrics."""
    for plan in plans:
        yield plan.key, (plan, None)
        for beside in jobs_beside(plan):
            yield beside.plan.key, (beside.plan, (plan.task, beside.evaluators))
