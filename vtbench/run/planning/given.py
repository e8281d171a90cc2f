"""What is given in place of the tasks' own data, and how their data are opened with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vtbench.core.contracts import Condition, ImageDataset
from vtbench.run.planning.generation_data import GenerationData, open_generation_data
from vtbench.run.planning.generation_reference import GenerationReference, find_reference
from vtbench.run.planning.generators import GeneratorSource
from vtbench.run.planning.jobs import TaskData, open_task_data
from vtbench.tasks import TaskSpec


@dataclass(frozen=True, eq=False)
class GivenData:
    """What a session is to measure on.

    Attributes:
        data: ``--data``: images for tasks of tokenizers, a file of prompts for those of generators; by name, or a data
            set itself. ``None`` for the tasks' own.
        reference: ``--reference``: what generated images are compared with.
        conditions: what they are made from, of a task that leaves it open.
        limit: only the first so many samples.
    """

    data: str | ImageDataset | None = None
    reference: str | ImageDataset | None = None
    conditions: Sequence[Condition] | None = None
    limit: int | None = None

    def images(self, task: TaskSpec) -> TaskData:
        """The data of a task for tokenizers.

        Raises:
            UsageError: nobody names any, or an id is empty or repeated.
        """
        return open_task_data(task, self.data, self.limit)

    def asked(self, task: TaskSpec, source: GeneratorSource) -> GenerationData:
        """What a task asks of a generator.

        Raises:
            UsageError: a generator that cannot take the task's conditions, or nothing to compare with.
        """
        asked = self.data if self.conditions is None and isinstance(self.data, str) else self.conditions
        return open_generation_data(task, source, asked, self.compared(task), self.limit)

    def compared(self, task: TaskSpec) -> GenerationReference | None:
        """What images generated for a task are compared with."""
        return find_reference(task, self.reference)
