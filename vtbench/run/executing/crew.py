"""Who measures the blocks of a job: this process and peers that share its folder, or processes that share nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from vtbench.run.measuring.evaluators import Evaluators
from vtbench.run.planning.jobs import JobPlan
from vtbench.run.worker import Worker

Found = TypeVar("Found")


class Crew(Protocol):
    """Those who run a session together."""

    @property
    def worker(self) -> Worker:
        """Which of them this process is: it says which blocks are its share."""

    def all_do(self, work: Callable[[], Found]) -> Found:
        """Each does the same for itself."""

    def all_measure(self, plan: JobPlan, evaluators: Evaluators, measure: Callable[[], None]) -> None:
        """Each measures its share of a job. Afterwards whoever scores has all blocks that it is to have."""

    def one_finds(self, find: Callable[[], Found]) -> Found:
        """What one of them finds, for all."""


@dataclass(frozen=True)
class SharedFolder:
    """Peers that meet in the folder of all runs only, or none: each looks for itself.

    Attributes:
        worker: this one.
    """

    worker: Worker

    def all_do(self, work: Callable[[], Found]) -> Found:
        """As it is."""
        return work()

    def all_measure(self, plan: JobPlan, evaluators: Evaluators, measure: Callable[[], None]) -> None:
        """Blocks are where they belong once they are written."""
        measure()

    def one_finds(self, find: Callable[[], Found]) -> Found:
        """What this one finds."""
        return find()
