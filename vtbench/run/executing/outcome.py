"""What became of one job of a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vtbench.results.records.record import RunRecord
from vtbench.run.planning.jobs import JobPlan

State = Literal["measured", "reused", "waiting", "failed"]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one job: ``waiting`` means that other workers have not finished their blocks."""

    plan: JobPlan
    state: State
    record: RunRecord | None = None
    error: Exception | None = None
