"""Finish a job: score it when all its blocks are there, and make again what turns out to be damaged."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from filelock import FileLock

from vtbench.core.disk.links import refuse_links
from vtbench.core.errors import DamagedFileError, VtbenchError
from vtbench.results.records.record import RunRecord, read_record
from vtbench.run.executing.copies import keep_pairs
from vtbench.run.executing.generation import Compared
from vtbench.run.executing.job import ensure_manifest, measure_blocks, tell_damage
from vtbench.run.executing.learnability import fit_probes
from vtbench.run.executing.reconstruction import reference_features
from vtbench.run.measuring.evaluators import Evaluators
from vtbench.run.planning.earlier import job_name
from vtbench.run.planning.generation_data import GenerationData
from vtbench.run.planning.job_check import own_manifest, problem_beside_record, problem_of_rows
from vtbench.run.planning.jobs import JobPlan
from vtbench.run.progress import say
from vtbench.run.scoring.copies.beside import jobs_beside
from vtbench.run.scoring.job import score_job, write_rows
from vtbench.run.storing.blocks import Block, BlockStore
from vtbench.run.storing.references import ReferenceFeatures
from vtbench.run.worker import Worker


def finished(plan: JobPlan, note: Callable[[str], None] = say) -> RunRecord | None:
    """The record of a job that is complete; ``None`` where there is none, or where its folder is not whole.

    What is damaged, edited, gone or another's is told. Rows beside the record are written again from the blocks.

    Raises:
        UnwritableError: a symbolic link lies where something is to be written.
    """
    if not plan.record_path.is_file():
        return None
    refuse_links(plan.folder, plan.out)
    try:
        record = read_record(plan.record_path)
    except DamagedFileError as error:
        note(f"{error.what}: made anew from the run's blocks")
        return None
    if problem := problem_beside_record(plan, record):
        note(f"{problem}: what is not whole is made again, and the record from it")
        return None
    if problem := problem_of_rows(plan, record):
        note(f"{problem}: written anew from the run's blocks")
        if plan.store.missing(plan.data.blocks):
            return None
        if write_rows(plan.store.samples(plan.data.blocks), plan.key, plan.folder) != record.integrity.samples:
            note(f"{plan.record_path} was made of other rows: made anew from the run's blocks")
            return None
    return record


def is_finished(plan: JobPlan) -> bool:
    """Whether a job is complete, and whole."""
    return finished(plan, _say_nothing) is not None


def score_when_whole(plan: JobPlan, evaluators: Evaluators, device: torch.device, worker: Worker) -> RunRecord | None:
    """Score the job if every block is there and nobody has; whoever finishes last does it.

    The lock is the operating system's, so a killed worker cannot leave it behind. A file that turns out to be damaged
    only when it is read is removed, made again, and the job is scored once more.
    """
    others = jobs_beside(plan)
    if any(job.store.missing(job.data.blocks) for job in (plan, *(beside.plan for beside in others))):
        return None
    refuse_links(plan.folder, plan.out)
    mended: set[Path] = set()
    with FileLock(plan.folder / ".score.lock"):
        while True:
            try:
                return finished(plan, _say_nothing) or _scored(plan, device)
            except DamagedFileError as error:
                if error.path in mended or not _is_below(error.path, plan.out):
                    raise
                mended.add(error.path)
                say(f"{error.what}: made again")
                error.path.unlink(missing_ok=True)
            for beside in others:
                _make_again(beside.plan, beside.evaluators(evaluators), device, worker)
            _make_again(plan, evaluators, device, worker)


def _scored(plan: JobPlan, device: torch.device) -> RunRecord:
    fit_probes(plan, device)
    return score_job(plan.folder, plan.out, own_manifest(plan), note=say, pictured=partial(keep_pairs, plan))


def _make_again(plan: JobPlan, evaluators: Evaluators, device: torch.device, worker: Worker) -> None:
    """What is gone of a job that was whole: its plan, its reference, blocks of its own or of its references.

    Raises:
        VtbenchError: it was measured on another kind of device than there is here.
    """
    if device.type != plan.device_type:
        raise VtbenchError(
            f"{job_name(plan)}: something measured on {plan.device_type} is damaged, and this process has none",
            "what is damaged is removed: give the same command again, and it is measured where the rest was",
        )
    ensure_manifest(plan, evaluators, device)
    Compared.ready(plan, evaluators, device)
    tell_damage(plan, blocks := _incomplete(plan, evaluators))
    measure_blocks(plan, evaluators, device, worker, plan.data.blocks, blocks)


def _incomplete(plan: JobPlan, evaluators: Evaluators) -> list[Block]:
    """Blocks without their own files, or without those of their references."""
    stores: list[BlockStore | ReferenceFeatures] = [plan.store]
    if not isinstance(plan.data, GenerationData):
        stores += reference_features(plan, evaluators).values()
    return [block for block in plan.data.blocks if not all(store.has(block) for store in stores)]


def _is_below(path: Path, folder: Path) -> bool:
    return folder.resolve() in path.resolve().parents


def _say_nothing(text: str) -> None:
    del text
