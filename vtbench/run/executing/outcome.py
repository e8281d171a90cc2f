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


def kept(error: Exception) -> Exception:
    """An error that outlives its job: frames in its traceback, and in those behind it, would hold the model."""
    seen: BaseException | None = error
    while seen is not None and seen.__traceback__ is not None:
        seen.__traceback__ = None
        seen = seen.__cause__ or seen.__context__
    return error
