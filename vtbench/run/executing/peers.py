"""The other workers of a launch: who is at work, and what becomes of blocks that are theirs to measure.

A worker holds a lock of the operating system in the run folder for as long as it works, so that one which was killed,
or which was never started, is known to be absent. The lowest rank at work answers for the whole: it waits for what the
others still measure, says what nobody measures, and prints the results. The others go when their share is done.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from vtbench.core.disk.links import refuse_links
from vtbench.core.disk.write_errors import writing
from vtbench.core.errors import UsageError, VtbenchError
from vtbench.run.executing.finish import finished
from vtbench.run.executing.outcome import Outcome
from vtbench.run.planning.jobs import JobPlan
from vtbench.run.progress import say
from vtbench.run.scoring.copies.beside import jobs_beside
from vtbench.run.worker import Worker

WORKERS = ".workers"
"""Folder, below that of all runs, of the locks that workers hold."""
PATIENCE_VARIABLE = "VTBENCH_WORKER_WAIT"
"""Seconds that a worker waits for others of whom nothing is to be seen; they may be starting."""
_PATIENCE_S = 30.0
_POLL_S = 0.25
_TO_JOIN_S = 10.0


class Peers:
    """This worker among those that share a run folder.

    Args:
        out: the run folder.
        worker: this one.
    """

    def __init__(self, out: Path, worker: Worker) -> None:
        self.worker = worker
        self._folder = out / WORKERS
        self._mine = FileLock(self._path(worker.rank))
        self._seen = self._worked = False

    def join(self) -> None:
        """Be at work, for the others to see.

        Raises:
            UsageError: another process has this rank in this folder.
            UnwritableError: the folder cannot be made, or a link lies in its place.
        """
        if self.worker.alone:
            return
        taken = UsageError(
            f"another process is worker {self.worker.rank} of {self.worker.world} in {self._folder.parent}",
            f"give each its own {self.worker.variables[0]}, or --workers-of none and another --out",
        )
        _acquire(self._mine, self._folder, taken)
        say(
            f"worker {self.worker.rank} of {self.worker.world}, by {' and '.join(self.worker.variables)}: "
            "--workers-of none measures everything here"
        )

    def leave(self) -> None:
        """Be no longer at work."""
        self._mine.release(force=True)

    def about_to_finish(self) -> None:
        """Before a job may become complete: note whether a lower rank is at work, which will answer for it then."""
        self._worked = True
        self._look()

    def settled(self, outcomes: Sequence[Outcome], run: Callable[[JobPlan], Outcome]) -> list[Outcome]:
        """Wait for the blocks of others, where nobody of a lower rank does; jobs that nobody goes on with have failed.

        Args:
            outcomes: of this worker's jobs.
            run: one job, again: whoever measured its last block may be gone before scoring it.
        """
        if self.worker.alone or all(outcome.state != "waiting" for outcome in outcomes):
            return list(outcomes)
        self._wait_for([outcome.plan for outcome in outcomes if outcome.state == "waiting"])
        return [outcome if outcome.state != "waiting" else self._at_last(outcome, run) for outcome in outcomes]

    def answers(self, outcomes: Sequence[Outcome]) -> bool:
        """Whether this worker prints the results: one does, and only when all are there."""
        if any(outcome.state == "waiting" for outcome in outcomes):
            return False
        return self.worker.rank == 0 or (self._worked and not self._seen and not self._lower_comes())

    def _wait_for(self, plans: Sequence[JobPlan]) -> None:
        until = time.monotonic() + patience()
        told = False
        while any(not plan.record_path.is_file() for plan in plans):
            if any(self._at_work(rank) for rank in range(self.worker.rank)):
                return
            if any(self._at_work(rank) for rank in range(self.worker.rank + 1, self.worker.world)):
                until = time.monotonic() + patience()
            elif all(not _unmeasured(plan) for plan in plans) or time.monotonic() > until:
                return
            if not told:
                say(f"worker {self.worker.rank}: done; waits for the blocks of other workers")
                told = True
            time.sleep(_POLL_S)

    def _at_last(self, outcome: Outcome, run: Callable[[JobPlan], Outcome]) -> Outcome:
        self._look()
        if self._seen:
            return outcome
        plan, missing = outcome.plan, _unmeasured(outcome.plan)
        record = finished(plan)
        if record is not None:
            return Outcome(plan, "measured", record)
        if not missing:
            return run(plan)
        ranks = sorted({block % self.worker.world for block in missing} - {self.worker.rank})
        error = VtbenchError(
            f"{len(missing)} of {len(plan.data.blocks)} blocks are not measured, and "
            f"{_named(ranks)} of {self.worker.world} {'is' if len(ranks) == 1 else 'are'} not at work",
            f"start what {' and '.join(self.worker.variables)} promise, or give --workers-of none",
        )
        say(f"failed: {plan.source.label} on {plan.task.name}: {error}")
        return Outcome(plan, "failed", error=error)

    def _lower_comes(self) -> bool:
        """Whether a lower rank, which begins by finding everything done, appears while one is patient."""
        until = time.monotonic() + patience()
        while True:
            self._look()
            if self._seen or time.monotonic() > until:
                return self._seen
            time.sleep(_POLL_S)

    def _look(self) -> None:
        self._seen = any(self._at_work(rank) for rank in range(self.worker.rank))

    def _at_work(self, rank: int) -> bool:
        return _is_held(self._path(rank))

    def _path(self, rank: int) -> Path:
        return self._folder / f"{rank}-of-{self.worker.world}.lock"


def at_work(out: Path) -> list[str]:
    """Workers that hold a lock below a folder of runs, as ``0-of-4``; one that is alone holds none."""
    return [path.stem for path in sorted((out / WORKERS).glob("*.lock")) if _is_held(path)]


@contextmanager
def alone_at_work(out: Path, name: str) -> Iterator[None]:
    """Be the one of this name at work below a folder of runs, for others to see.

    Raises:
        UsageError: another process is.
        UnwritableError: the folder cannot be made, or a link lies in its place.
    """
    lock = FileLock(out / WORKERS / f"{name}.lock")
    _acquire(lock, out / WORKERS, UsageError(f"another run is at work in {out}", "wait for it, or give another --out"))
    try:
        yield
    finally:
        lock.release()


def _acquire(lock: FileLock, folder: Path, taken: UsageError) -> None:
    """Hold a lock of the folder of workers, which is made; raises ``taken`` where another process holds it."""
    refuse_links(folder, folder.parent)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        lock.acquire(timeout=_TO_JOIN_S)  # whoever looks whether it is held holds it for a moment
    except Timeout:
        raise taken from None


def _is_held(path: Path) -> bool:
    if not path.exists():
        return False
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:  # a folder of somebody else's, which is only looked at
        return False
    lock.release()
    return False


def patience() -> float:
    """Seconds to wait for workers of whom nothing is to be seen."""
    return float(os.environ.get(PATIENCE_VARIABLE) or _PATIENCE_S)


def _unmeasured(plan: JobPlan) -> list[int]:
    """Places, among a job's blocks, of those that are missing; those of the jobs beside it count as well."""
    jobs = [plan, *(beside.plan for beside in jobs_beside(plan))]
    return [place for job in jobs for place, block in enumerate(job.data.blocks) if not job.store.has(block)]


def _named(ranks: Sequence[int]) -> str:
    words = [str(rank) for rank in ranks]
    return f"worker {words[0]}" if len(words) == 1 else f"workers {', '.join(words[:-1])} and {words[-1]}"
