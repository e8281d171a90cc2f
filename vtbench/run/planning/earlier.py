"""What an earlier run left of a job that is not complete, and what this run asks of it beyond its identity."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from vtbench.core.errors import VtbenchError
from vtbench.results.records.samples import FAILED, read_samples
from vtbench.run.options import RunOptions
from vtbench.run.planning.generation_data import GenerationData
from vtbench.run.planning.jobs import JobPlan
from vtbench.run.progress import say
from vtbench.run.storing.blocks import Block
from vtbench.run.storing.manifest import JobManifest, read_manifest
from vtbench.run.storing.sample_files import SampleFiles

FRESH = "--fresh measures again"


def tell_resumed(plan: JobPlan, done: int, count: int) -> None:
    """Say how many blocks of an earlier run are used."""
    if done:
        since = minute(read_manifest(plan.folder, task=plan.task).created)
        say(f"{job_name(plan)}: {done} of {count} blocks are there from the run begun {since}; {FRESH}")


def with_options(manifest: JobManifest, options: RunOptions) -> JobManifest:
    """The plan of an earlier run with the options of this one that are no part of its identity."""
    changed = allowing_small_sets(manifest, options.allow_small_sets)
    if options.samples is None:
        return changed
    return _with_option(changed, "samples", options.samples, options.invocation.get("samples", options.samples))


def allowing_small_sets(manifest: JobManifest, allowed: bool) -> JobManifest:
    """The plan with ``--allow-small-sets``, or without."""
    changed = manifest.model_copy(update={"allow_small_sets": allowed})
    return _with_option(changed, "allow_small_sets", allowed)


def _with_option(manifest: JobManifest, name: str, value: object, in_whole: object = None) -> JobManifest:
    """``in_whole``: what the whole invocation says of it, where a job has a value of its own."""
    in_whole = value if in_whole is None else in_whole
    config, asked = manifest.config, {name: str(value)}
    update = {"given": {**config.given, **asked}, "resolved": {**config.resolved, **asked}}
    if config.run:
        update["run"] = {**config.run, name: in_whole if isinstance(in_whole, bool) else str(in_whole)}
    return manifest.model_copy(update={"config": config.model_copy(update=update)})


def blocks_without_images(plan: JobPlan, blocks: Sequence[Block]) -> list[Block]:
    """Blocks that are measured, but whose images this job did not leave in the folder that ``--samples`` names."""
    if plan.options.samples is None or not isinstance(plan.data, GenerationData):
        return []
    there = [block for block in blocks if plan.store.has(block)]
    files = SampleFiles(plan.options.samples, plan.data.conditions, plan.task.frames)
    if not there or _wrote_to(plan, plan.options.samples):
        there = [block for block in there if not _are_kept(plan, plan.data, block, files)]
    return there


def _wrote_to(plan: JobPlan, folder: Path) -> bool:
    try:
        before = read_manifest(plan.folder, task=plan.task).config.given.get("samples")
    except VtbenchError:
        return False
    return before is not None and Path(before).resolve() == folder.resolve()


def _are_kept(plan: JobPlan, data: GenerationData, block: Block, files: SampleFiles) -> bool:
    """A file that is younger than the block was written by another job."""
    rows = plan.store.rows_path(block)
    statuses = read_samples(rows).status
    for index, status in zip(range(block.start, block.stop), statuses, strict=True):
        path = files.path(index, data.conditions[index])
        if status != FAILED and not (path.is_file() and path.stat().st_mtime <= rows.stat().st_mtime):
            return False
    return True


def job_name(plan: JobPlan) -> str:
    """Model and task, as lines on stderr begin."""
    return f"{plan.source.label} on {plan.task.name}"


def minute(moment: datetime) -> str:
    """A moment as people are told it."""
    return f"{moment.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"
