"""Score a run again from what it stored: a new set metric, or a new version of one, needs no GPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vtbench.core.errors import UsageError
from vtbench.metrics.catalog import metric_info
from vtbench.results.record import RunRecord
from vtbench.run.manifest import PLAN_FILE, read_manifest
from vtbench.run.progress import say
from vtbench.run.score import score_job
from vtbench.tasks import MetricRequest


def rescore(path: Path, metrics: Sequence[str] = ()) -> list[RunRecord]:
    """Re-score every run at or below ``path``, adding ``metrics`` to those of its task.

    Added metrics are marked by their own name and version; the task's protocol id stays what it was.

    Raises:
        UsageError: no run there, or a metric that needs what was not stored.
    """
    plans = sorted(path.rglob(PLAN_FILE)) if path.is_dir() else []
    if not plans:
        raise UsageError(f"{path} holds no run", "give a run folder, or any folder above runs")
    for name in metrics:
        if metric_info(name).kind != "set":
            raise UsageError(f"{name} needs the images, which are not kept", "only set metrics can be added by rescore")
    return [_rescore(plan.parent, metrics) for plan in plans]


def _rescore(folder: Path, metrics: Sequence[str]) -> RunRecord:
    manifest = read_manifest(folder)
    own = {request.name for request in manifest.task_spec.metrics}
    extra = [MetricRequest(name=name) for name in metrics if name not in own]
    return score_job(folder, folder.parents[2], manifest, extra, note=say)
