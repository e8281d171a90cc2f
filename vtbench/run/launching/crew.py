"""The crew of a run whose blocks others measure: this process plans, writes what is delivered, and scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from vtbench.run.executing.carrying import put_down
from vtbench.run.executing.job import begin, ensure_manifest, job_label, samples_of
from vtbench.run.launching.block_server import Delivery
from vtbench.run.launching.pool import Pool
from vtbench.run.measuring.evaluators import Evaluators
from vtbench.run.planning.jobs import JobPlan
from vtbench.run.progress import job_progress, say
from vtbench.run.worker import Worker

Found = TypeVar("Found")


class PoolCrew:
    """A :class:`~vtbench.run.executing.crew.Crew` that asks a pool.

    Args:
        pool: its workers.
    """

    worker = Worker()

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._said: set[str] = set()

    def all_do(self, work: Callable[[], Found]) -> Found:
        """Here: the workers do it when they are asked for blocks."""
        return work()

    def one_finds(self, find: Callable[[], Found]) -> Found:
        """Here."""
        return find()

    def all_measure(self, plan: JobPlan, evaluators: Evaluators, measure: Callable[[], None]) -> None:
        """Every missing block is asked of the pool, and written as it comes."""
        plan.source.release()

        def write_plan() -> None:
            prepared, delivery = self._pool.prepare(plan.key)
            self._take(plan, delivery)
            ensure_manifest(plan, evaluators, torch.device("cpu"), prepared)

        blocks = {block.index: block for block in plan.data.blocks}
        missing = begin(plan, plan.data.blocks, write_plan)
        with job_progress(job_label(plan), samples_of(plan.data.blocks)) as progress:
            progress.resume_from(samples_of(plan.data.blocks) - samples_of(missing))
            for index, delivery in self._pool.measure(plan.key, [block.index for block in missing]):
                self._take(plan, delivery)
                progress.advance(blocks[index].stop - blocks[index].start)

    def _take(self, plan: JobPlan, delivery: Delivery) -> None:
        for line in delivery.said:
            if line not in self._said:
                self._said.add(line)
                say(line)
        if plan.options.samples is not None:
            put_down(plan.options.samples, delivery.samples)
        put_down(plan.out, delivery.runs)  # last: what says that a block is done is among them
