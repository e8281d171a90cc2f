"""What a session tells its user when it is planned, and when it ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vtbench.core.errors import DamagedFileError
from vtbench.results.records.record import RunRecord, read_record
from vtbench.results.tables.limits import limits_text, other_warnings
from vtbench.run.executing.outcome import Outcome
from vtbench.run.executing.reuse import reuse_text
from vtbench.run.planning.earlier import job_name
from vtbench.run.planning.inputs import changed_input
from vtbench.run.planning.jobs import JobPlan
from vtbench.run.progress import say
from vtbench.run.session import Session, tell_broken

DRY_RUN_COLUMNS = ("model", "protocol", "data", "samples", "blocks", "done", "folder")


def dry_run_rows(session: Session) -> list[dict[str, Any]]:
    """A row a job: what it would do, and what is already there. Models that cannot be made are told."""
    tell_broken(session)
    rows = []
    for job in session.jobs:
        rows.append(
            {
                "model": job.source.label,
                "protocol": job.task.protocol_id,
                "data": f"{job.data.source} {job.data.fingerprint[:12]}",
                "samples": len(job.data.ids),
                "blocks": len(job.data.blocks),
                "done": _done(job),
                "folder": str(job.folder),
            }
        )
    return rows


def _done(job: JobPlan) -> str:
    """Blocks that an earlier run left and that stand; what becomes of a whole one is said."""
    changed = changed_input(job)
    if changed is not None:
        say(f"{job_name(job)}: {changed}, which was read for it, has changed: it would be measured again")
        return "0"
    _tell_complete(job)
    blocks = job.data.blocks
    return "complete" if job.record_path.is_file() else f"{len(blocks) - len(job.store.missing(blocks))}"


def _tell_complete(job: JobPlan) -> None:
    if job.record_path.is_file():
        try:
            say(f"{job_name(job)}: would reuse {reuse_text(job, read_record(job.record_path))}")
        except DamagedFileError as error:
            say(f"{job_name(job)}: {error.what}; it would be made anew")


def failed(session: Session, outcomes: Sequence[Outcome]) -> bool:
    """Whether a job failed, or a model could not be made."""
    return bool(session.broken) or any(outcome.state == "failed" for outcome in outcomes)


def finished_records(session: Session, outcomes: Sequence[Outcome]) -> list[RunRecord]:
    """The records to print: all of them by one worker, once all are there; none by the others."""
    if not session.peers.answers(outcomes):
        say(f"worker {session.peers.worker.rank}: done; another worker prints the results")
        return []
    if limits := limits_text([outcome.record for outcome in outcomes if outcome.record is not None]):
        say(limits)
    _tell_warnings(outcomes)
    return [
        outcome.record or read_record(outcome.plan.record_path)
        for outcome in outcomes
        if outcome.record is not None or outcome.plan.record_path.is_file()
    ]


def _tell_warnings(outcomes: Sequence[Outcome]) -> None:
    """Each warning once, after the names of the models that it is about; what the data have to say now, too."""
    told: dict[str, list[str]] = {}
    for outcome in outcomes:
        if outcome.record is not None:
            for warning in dict.fromkeys((*other_warnings(outcome.record), *outcome.plan.data.notes)):
                told.setdefault(warning, []).append(outcome.plan.source.label)
    for warning, labels in told.items():
        say(f"warning: {', '.join(dict.fromkeys(labels))}: {warning}")
