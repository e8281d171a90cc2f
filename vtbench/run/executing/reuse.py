"""What an earlier run left: used again where nothing that decides a value differs, and always said.

Options that are no part of a job's identity still have their effect: what only scoring asks is scored again from the
blocks, and images that were not kept are made again.
"""

from __future__ import annotations

from filelock import FileLock

from vtbench.core.errors import VtbenchError
from vtbench.results.records.record import RunRecord, read_record
from vtbench.run.executing.finish import finished
from vtbench.run.measuring.evaluators import guards_small_sets
from vtbench.run.planning.earlier import FRESH, blocks_without_images, job_name, minute, with_options
from vtbench.run.planning.job_check import own_manifest
from vtbench.run.planning.jobs import JobPlan
from vtbench.run.progress import say
from vtbench.run.scoring.job import score_job
from vtbench.run.storing.manifest import write_manifest
from vtbench.run.worker import Worker


def reused(plan: JobPlan, worker: Worker) -> RunRecord | None:
    """The record of an earlier run, scored again where an option asks it; ``None`` where there is work to do.

    Raises:
        VtbenchError: samples failed in it, and ``--strict`` asks that none does.
    """
    record = finished(plan)
    if record is None:
        return None
    if blocks_without_images(plan, plan.data.share(worker)):
        plan.record_path.unlink(missing_ok=True)
        return None
    if worker.rank == 0:
        say(f"{job_name(plan)}: reused {reuse_text(plan, record)}")
    with FileLock(plan.folder / ".score.lock"):
        record = _scored_as_asked(plan, record)
    refuse_failures(plan, record)
    return record


def reuse_text(plan: JobPlan, record: RunRecord) -> str:
    """Which record stands for a job, from when, and how to have another."""
    return f"the record of {minute(record.finished)} in {plan.folder}; {FRESH}"


def refuse_failures(plan: JobPlan, record: RunRecord) -> None:
    """Under ``--strict`` no sample fails, whenever it was measured.

    Raises:
        VtbenchError: one did.
    """
    if plan.options.strict and record.failures:
        first = record.failures[0]
        raise VtbenchError(
            f"{first.id} failed ({first.stage}): {first.message}",
            f"in {plan.folder}; without --strict it is recorded and skipped; {FRESH}",
        )


def _scored_as_asked(plan: JobPlan, record: RunRecord) -> RunRecord:
    if not guards_small_sets(plan.task):
        return record
    try:
        manifest = own_manifest(plan)
        if manifest.allow_small_sets == plan.options.allow_small_sets:
            return read_record(plan.record_path)
        manifest = with_options(manifest, plan.options)
        scored = score_job(plan.folder, plan.out, manifest, note=say)
    except VtbenchError as error:
        say(f"{job_name(plan)}: not scored again for --allow-small-sets: {error.what}; {FRESH}")
        return record
    write_manifest(manifest, plan.folder)
    asked = "with" if plan.options.allow_small_sets else "without"
    say(f"{job_name(plan)}: scored again from its blocks, {asked} --allow-small-sets")
    return scored
