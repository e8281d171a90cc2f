"""Score a run again from what it stored: a new set metric, or a new version of one, needs no GPU."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from vtbench.core.errors import UsageError, VtbenchError
from vtbench.core.foreign.guard import foreign
from vtbench.metrics.catalog.lookup import metric_info
from vtbench.results.records.record import RunRecord
from vtbench.run.planning.earlier import allowing_small_sets
from vtbench.run.progress import say
from vtbench.run.scoring.job import score_job
from vtbench.run.storing.manifest import PLAN_FILE, read_manifest, write_manifest
from vtbench.tasks import MetricRequest


def _refuse(problem: VtbenchError) -> None:
    raise problem


def rescore(
    path: Path,
    metrics: Sequence[str] = (),
    failed: Callable[[VtbenchError], None] = _refuse,
    *,
    allow_small_sets: bool = False,
    trusted: Collection[Path] = (),
) -> list[RunRecord]:
    """Re-score every run at or below ``path``, adding ``metrics`` to those of its task.

    Added metrics are marked by their own name and version; the task's protocol id stays what it was.

    Args:
        path: a run folder, or a folder above runs.
        metrics: set metrics to add.
        allow_small_sets: compute FID on fewer images than it needs, from now on; otherwise as the run was told.
        trusted: plans, or folders of plans, whose code may run.
        failed: told what keeps a run from being scored (blocks missing, a damaged file); the others are.

    Raises:
        VtbenchError: no run can be scored, or one cannot and ``failed`` does not take it.
        UsageError: no run there, or a metric that needs what was not stored.
    """
    path = path.resolve() if path.is_symlink() else path
    plans = sorted(path.rglob(PLAN_FILE)) if path.is_dir() else []
    if not plans:
        raise UsageError(f"{path} holds no run", "give a run folder, or any folder above runs")
    for name in metrics:
        if metric_info(name).kind != "set":
            raise UsageError(f"{name} needs the images, which are not kept", "only set metrics can be added by rescore")
    records, problems = [], []
    for plan in plans:
        try:
            records.append(_rescore(plan.parent, metrics, allow_small_sets, trusted))
        except VtbenchError as error:
            problems.append(error)
    if problems and not records:
        raise problems[0]
    for problem in problems:
        failed(problem)
    return records


def _rescore(folder: Path, metrics: Sequence[str], allow_small_sets: bool, trusted: Collection[Path]) -> RunRecord:
    manifest = read_manifest(folder, trusted=trusted)
    changed = allow_small_sets and not manifest.allow_small_sets
    if changed:
        manifest = allowing_small_sets(manifest, True)
    own = {metric_info(request.name).name for request in manifest.task_spec.metrics}
    extra = [MetricRequest(name=name) for name in metrics if name not in own]
    with foreign(manifest.model.label):
        record = score_job(folder, folder.absolute().parents[2], manifest, extra, note=say)
    if changed:
        write_manifest(manifest, folder)
    return record
