"""W&B: a run a record, or one named run for many, by its own library; offline, what ``wandb sync`` sends later.

A run's id follows from what is exported, so that W&B itself continues it. What was written is noted in the run's config
and, for runs on this disk, in a file beside its own: W&B never takes a step back, so nothing is logged twice.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from vtbench.core.disk.files import require_writable, user_path, write_text
from vtbench.core.errors import AssetMissingError, NotComparableError, UsageError
from vtbench.core.extras import install_extra
from vtbench.core.outside.parsing import boundary, read_json
from vtbench.export.tables import results_frame
from vtbench.export.values import Exported, Order, Written, distinct
from vtbench.results.records import strict_json
from vtbench.results.records.previews import open_preview

NOTE_FILE = "vtbench-export.json"
_PROJECT, _NOTED, _STEP = "vtbench", "vtbench_export", "vtbench_step"
_LONGEST_TAG = 64
_HINT = "log in with `wandb login`, or give --offline and send it later with `wandb sync`"
_QUIET = {"console": "off", "silent": True, "disable_git": True, "disable_code": True, "x_disable_meta": True}
_UNSEEN = {"x_disable_stats": True, "x_disable_machine_info": True}


def write(runs: Sequence[Exported], order: Order) -> list[Written]:
    """Log each run to W&B; ``order.dest`` is the folder above W&B's own, by default the current one.

    Where a W&B run is active in this process, and neither project nor name is given, results join it and it stays open.

    Raises:
        AssetMissingError: W&B is not installed.
        NotComparableError: the named run holds other data, or another protocol, already.
        UsageError: the step holds other results already.
        VtbenchError: W&B refuses, as without an account.
    """
    try:
        import wandb
    except ImportError as error:
        raise AssetMissingError("W&B is not installed", install_extra("wandb")) from error
    runs = distinct(list(runs))
    with boundary("W&B does not take the runs", _HINT):
        if wandb.run is not None and order.project is None and order.run_name is None:
            _refuse_twins(runs)
            return [_join(wandb.run, run) for run in runs]
        groups: dict[str, list[Exported]] = {}
        for run in runs:
            groups.setdefault(run.key, []).append(run)
        return [written for group in groups.values() for written in _own_run(wandb, group, order)]


def _own_run(wandb: Any, runs: Sequence[Exported], order: Order) -> list[Written]:
    """One run of ours, with everything that has its key: found on disk or at W&B, continued, and closed."""
    folder, first = user_path(order.dest or os.environ.get("WANDB_DIR") or "."), runs[0]
    identifier, project = f"vtbench-{first.key}", order.project or os.environ.get("WANDB_PROJECT") or _PROJECT
    noted, places = _noted_on_disk(folder, identifier, project)
    there = [_is_there(noted, run) for run in runs]
    if all(there):
        return [_there(run, places[run.place]) for run in runs]
    require_writable(folder)
    _await_a_free_name(folder, identifier)
    with wandb.init(
        id=identifier,
        name=first.name,
        project=project,
        dir=folder,
        job_type="evaluation",
        tags=sorted({text[:_LONGEST_TAG] for run in runs for text in run.identity.values()}),
        mode="offline" if order.offline else None,
        resume="allow",
        reinit="create_new",
        settings=wandb.Settings(**_QUIET, **_UNSEEN),
    ) as active:
        noted |= active.config.get(_NOTED) or {}
        found = [_add(active, run, noted, {"step": run.step}) for run in runs]
        note = {"project": project, **(active.config.get(_NOTED) or {})}
        write_text(Path(active.dir) / NOTE_FILE, strict_json.dumps(note))
    return found


def _await_a_free_name(folder: Path, identifier: str) -> None:
    """W&B names the folder of a run after the second and its id, and writes over the run that has the name already."""
    while any((folder / "wandb").glob(f"*run-{datetime.now():%Y%m%d_%H%M%S}-{identifier}")):
        time.sleep(0.05)


def _refuse_twins(runs: Sequence[Exported]) -> None:
    tasks = [run.task for run in runs]
    twice = next((task for task in tasks if tasks.count(task) > 1), None)
    if twice is not None:
        raise UsageError(
            f"the active W&B run would hold {twice} of several models under one name",
            "export one model at a time, or give a project: each record is then a run of its own",
        )


def _join(active: Any, run: Exported) -> Written:
    """The run of a training: its own steps go on, so vtbench's values have an axis of theirs."""
    active.define_metric(_STEP, hidden=True)
    active.define_metric(f"{run.task}/*", step_metric=_STEP)
    return _add(active, run, active.config.get(_NOTED) or {}, {})


def _add(active: Any, run: Exported, noted: Mapping[str, Any], where: Mapping[str, int]) -> Written:
    place = str(active.dir if active.offline else active.url)
    if _is_there(noted, run):
        return _there(run, place)
    return Written(run.name, place, len(run.scalars), _log(active, run, where))


def _there(run: Exported, place: str) -> Written:
    return Written(run.name, place, len(run.scalars), len(run.images), "already there")


def _log(active: Any, run: Exported, where: Mapping[str, int]) -> int:
    """Values, pictures, table and tags; returns how many pictures."""
    import wandb

    images = {name: wandb.Image(image) for name, image in _images(run)}
    table = wandb.Table(dataframe=_table(run))
    active.log({**run.values, **images, f"{run.task}/metrics": table, _STEP: run.step}, **where)
    noted = {**(active.config.get(_NOTED) or {}), **_note(run)}
    active.config.update({**run.tags, _NOTED: noted}, allow_val_change=True)
    return len(images)


def _images(run: Exported) -> Iterator[tuple[str, Any]]:
    for picture in run.images:
        image = open_preview(picture.path)
        if image is not None:
            yield picture.name, image


def _table(run: Exported) -> Any:
    """The long frame of results, with plain dtypes, which is what W&B's tables know."""
    frame = results_frame(run.record)
    return frame.astype(object).where(frame.notna(), None)


def _note(run: Exported) -> dict[str, Any]:
    return {run.place: run.digest, **run.identity}


def _noted_on_disk(folder: Path, identifier: str, project: str) -> tuple[dict[str, Any], dict[str, str]]:
    """What runs of this id and project on this disk say they hold, and which of them holds it."""
    noted: dict[str, Any] = {}
    places: dict[str, str] = {}
    for file in sorted((folder / "wandb").glob(f"*run-*-{identifier}/files/{NOTE_FILE}")):
        content = read_json(file)
        if isinstance(content, dict) and content.get("project") == project:
            noted |= content
            places |= dict.fromkeys(content, str(file.parent))
    return noted, places


def _is_there(noted: Mapping[str, Any], run: Exported) -> bool:
    """Whether these results stand at their step.

    Raises:
        NotComparableError: the run holds the task under another protocol, or on other data.
        UsageError: other results stand there.
    """
    for name, text in run.identity.items():
        if noted.get(name, text) != text:
            raise NotComparableError(
                f"the run {run.name} holds {name} {noted[name]}, and these results {text}",
                "a curve over both would mean nothing: give another --run-name",
            )
    digest = noted.get(run.place)
    if digest not in (None, run.digest):
        raise UsageError(
            f"the run {run.name} holds other results of {run.task} at step {run.step}, which W&B cannot replace",
            "give another --step or --run-name, or delete that run",
        )
    return digest is not None
