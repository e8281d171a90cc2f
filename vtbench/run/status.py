"""What is done, running and missing below a folder of runs, read from its files: neither models nor data are opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vtbench.core.errors import UsageError, VtbenchError
from vtbench.results.records.record import RECORD_FILE
from vtbench.run.executing.peers import at_work
from vtbench.run.storing.blocks import BlockStore, split_blocks
from vtbench.run.storing.manifest import PLAN_FILE, read_manifest
from vtbench.run.storing.references import FOLDER


@dataclass(frozen=True)
class JobStatus:
    """One job.

    Attributes:
        folder: its own.
        model: as tables call it.
        task: its name.
        state: ``complete``, ``running`` where workers are at work, ``unfinished``, or ``unknown``.
        done: blocks that are there.
        blocks: of the job; 0 where its plan cannot be read.
        samples: of the job.
        what: why a state is unknown.
    """

    folder: Path
    model: str
    task: str
    state: str
    done: int = 0
    blocks: int = 0
    samples: int = 0
    what: str = ""


def statuses(out: Path) -> list[JobStatus]:
    """Every job below a folder of runs that was begun, by task and model.

    Raises:
        UsageError: there is none.
    """
    running = bool(at_work(out))
    found = [_status(plan.parent, running) for plan in sorted(_plans(out))]
    if not found:
        raise UsageError(f"no run was begun in {out}", "give the folder that vtbench run has as --out")
    return found


def _plans(out: Path) -> Iterator[Path]:
    return (path for path in out.rglob(PLAN_FILE) if FOLDER not in path.parts)


def _status(folder: Path, running: bool) -> JobStatus:
    model, task = folder.parent.name, folder.parent.parent.name
    try:
        manifest = read_manifest(folder)
        blocks = split_blocks(manifest.samples, manifest.task_spec.block_size)
    except VtbenchError as error:
        return JobStatus(folder, model, task, "unknown", what=error.what)
    store = BlockStore(folder / "blocks", manifest.job_key)
    done = sum(store.is_there(block) for block in blocks)
    complete = (folder / RECORD_FILE).is_file()
    state = "complete" if complete else "running" if running else "unfinished"
    return JobStatus(folder, manifest.model.label, task, state, done, len(blocks), manifest.samples)
