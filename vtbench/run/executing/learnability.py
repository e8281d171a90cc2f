"""Fit the probes of a task of learnability, once all blocks of the job are there."""

from __future__ import annotations

import torch

from vtbench.core.foreign import interrupts
from vtbench.run.executing.job import job_label
from vtbench.run.planning.job_check import own_manifest
from vtbench.run.planning.jobs import JobPlan
from vtbench.run.probing.job import ProbedJob
from vtbench.run.progress import job_progress


def fit_probes(plan: JobPlan, device: torch.device) -> None:
    """Fit what is missing; a fit that was interrupted goes on where it was kept last.

    Raises:
        UsageError: too few images, or groups of them.
        AdapterError: codes of unlike geometries.
        DamagedFileError: a block is damaged.
    """
    if plan.task.learnability is None:
        return
    store, blocks = plan.store, plan.data.blocks
    rows, content = store.samples(blocks), store.content(blocks)
    job = ProbedJob.read(plan.folder, own_manifest(plan), store, blocks, rows, content)
    if job is None:
        return
    with job_progress(f"{job_label(plan)} · {len(job.fits)} probes", job.shown) as progress, interrupts.finishing():
        job.fit(device, progress.advance)
