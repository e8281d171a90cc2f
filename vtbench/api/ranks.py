"""Ranks of a ``torch.distributed`` group measure one evaluation together; all of them get the same result.

They share nothing but the group: each measures its share of the blocks into a folder of its own, the files go to rank
0 as objects, and what rank 0 finds is sent to all. Whatever one of them raises ends the call on every rank, so that
none waits for another that is gone.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch.distributed as dist

from vtbench.core.errors import UsageError, VtbenchError
from vtbench.core.foreign.guard import told
from vtbench.run.executing.carrying import block_files, put_down, reference_files, taken_up
from vtbench.run.executing.crew import Crew, SharedFolder
from vtbench.run.measuring.evaluators import Evaluators
from vtbench.run.planning.jobs import JobPlan
from vtbench.run.worker import Worker

Found = TypeVar("Found")


class Crewing:
    """With whom an evaluator works, which may come about between two of its calls.

    Args:
        together: ``False`` measures everything here, group or not; ``True`` insists on a group.
    """

    def __init__(self, together: bool | None) -> None:
        self._together = together
        self._ranks: Ranks | None = None

    def here(self) -> Crew:
        """All ranks of the default group where it is initialised; else this process alone.

        Raises:
            UsageError: there is no group, and there has to be.
        """
        there = dist.is_available() and dist.is_initialized()
        if self._together and not there:
            raise UsageError("distributed=True, and no torch.distributed group is initialised", "leave it out")
        if self._together is False or not there or dist.get_world_size() == 1:
            return SharedFolder(Worker())
        worker = Worker(dist.get_rank(), dist.get_world_size())
        if self._ranks is None or self._ranks.worker != worker:
            self._ranks = Ranks(worker)
        return self._ranks


def same_number(crew: Crew) -> str:
    """A number that no other call has, the same on all ranks."""
    return crew.one_finds(lambda: uuid.uuid4().hex[:12])


@contextmanager
def _meeting() -> Iterator[None]:
    """A rank that does not come is the commonest mistake, and what backends say of it the least clear."""
    try:
        yield
    except RuntimeError as error:
        raise VtbenchError(
            f"ranks of torch.distributed did not meet: {told(error)}",
            "call it on every rank, or with distributed=False on the one that measures alone",
        ) from error


class Ranks:
    """This rank of the default group, as a :class:`~vtbench.run.executing.crew.Crew`."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self._sent: set[str] = set()

    def all_measure(self, plan: JobPlan, evaluators: Evaluators, measure: Callable[[], None]) -> None:
        """Each measures its share; rank 0 is sent the files of the others.

        Raises:
            UsageError: ranks were given different models, data or options.
            VtbenchError: another rank failed.
        """
        self._agree(plan)
        self.all_do(measure)
        self.all_do(lambda: self._collect(plan, evaluators))

    def one_finds(self, find: Callable[[], Found]) -> Found:
        """What rank 0 finds.

        Raises:
            VtbenchError: it failed there.
        """
        found: list[Any] = [None, None]
        error: Exception | None = None
        if self.worker.rank == 0:
            try:
                found = [find(), None]
            except Exception as problem:  # noqa: BLE001 - raised below, once the others know
                error, found = problem, [None, told(problem)]
        with _meeting():
            dist.broadcast_object_list(found, src=0)
        if error is not None:
            raise error
        if found[1] is not None:
            raise VtbenchError(f"rank 0 failed: {found[1]}", "its own error says more")
        result: Found = found[0]
        return result

    def all_do(self, work: Callable[[], Found]) -> Found:
        """What this rank does, once all have.

        Raises:
            VtbenchError: another rank failed.
        """
        error: Exception | None = None
        done: list[Found] = []
        try:
            done.append(work())
        except Exception as problem:  # noqa: BLE001 - raised below, once the others know
            error = problem
        problems = self._gathered(None if error is None else told(error))
        if error is not None:
            raise error
        failed = [(rank, problem) for rank, problem in enumerate(problems) if problem is not None]
        if failed:
            raise VtbenchError(f"rank {failed[0][0]} failed: {failed[0][1]}", "its own error says more")
        return done[0]

    def _agree(self, plan: JobPlan) -> None:
        keys = self._gathered(plan.key)
        if len(set(keys)) > 1:
            odd = next(rank for rank, key in enumerate(keys) if key != keys[0])
            raise UsageError(
                f"rank {odd} was given another model, data or options than rank 0 for {plan.task.name}",
                "give every rank the same, in the same order",
            )

    def _gathered(self, value: Any) -> list[Any]:
        values: list[Any] = [None] * self.worker.world
        with _meeting():
            dist.all_gather_object(values, value)
        return values

    def _collect(self, plan: JobPlan, evaluators: Evaluators) -> None:
        mine = {} if self.worker.rank == 0 else self._files(plan, evaluators)
        everyone: list[Any] | None = [None] * self.worker.world if self.worker.rank == 0 else None
        with _meeting():
            dist.gather_object(mine, everyone, dst=0)
        for files in everyone or ():
            put_down(plan.out, files)

    def _files(self, plan: JobPlan, evaluators: Evaluators) -> dict[str, bytes]:
        """Blocks and previews of this rank's share, and features of its references that were not sent before."""
        share = plan.data.share(self.worker)
        references = self._unsent(reference_files(plan, evaluators, share))
        return taken_up(plan.out, [*block_files(plan, share), *references])

    def _unsent(self, paths: Sequence[Path]) -> list[Path]:
        new = [path for path in paths if str(path) not in self._sent]
        self._sent.update(map(str, new))
        return new
