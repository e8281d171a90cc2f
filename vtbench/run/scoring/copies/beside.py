"""The jobs that go beside a generation job: its tokenizer by itself, on the reference and on training images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from vtbench.run.measuring.evaluators import Evaluators
from vtbench.run.planning.jobs import JobPlan
from vtbench.run.scoring.copies.training_codes import training_evaluators, training_job
from vtbench.run.scoring.tokenizer_share import tokenizer_evaluators, tokenizer_job


@dataclass(frozen=True, eq=False)
class Beside:
    """One of them.

    Attributes:
        evaluators: its metrics, from those of the generation task: no network is loaded twice.
    """

    plan: JobPlan
    evaluators: Callable[[Evaluators], Evaluators]


def jobs_beside(plan: JobPlan) -> list[Beside]:
    """Those of a job, in the order in which they are measured; none of a job that is no generator's."""
    tokenizer, training = tokenizer_job(plan), training_job(plan)
    found = [] if tokenizer is None else [Beside(tokenizer, partial(tokenizer_evaluators, task=tokenizer.task))]
    return found if training is None else [*found, Beside(training, training_evaluators)]
