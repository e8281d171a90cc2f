"""What a task of clips may ask for, and what only a task of images may."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from vtbench.metrics.catalog.lookup import set_metric
from vtbench.metrics.catalog.rates import tokens_column
from vtbench.tasks.sections import MetricRequest

if TYPE_CHECKING:
    from vtbench.tasks.schema import TaskSpec

_COUNTS = {tokens_column(frames) for frames in (None, 1)}


def check_clips(task: TaskSpec) -> None:
    """Frames are of tasks of kind video and generation; metrics of images do not look at clips, nor others at images.

    Raises:
        ValueError: says which metric or field is out of place.
    """
    if task.kind == "video" and task.frames is None:
        raise ValueError("a task of kind video says how many frames a clip has: frames: 16")
    if task.frames is not None and task.kind not in ("video", "generation"):
        raise ValueError(f"a task of kind {task.kind} is of images: frames belong to kind video and generation")
    if task.kind != "video" and task.video_metrics:
        raise ValueError(f"{task.video_metrics[0].name} compares clips: it belongs to tasks of kind video")
    _check_sets(task.set_metrics, task.frames)
    strange = [request.name for request in task.code_metrics if request.name in _COUNTS - {tokens_column(task.frames)}]
    if strange:
        raise ValueError(f"{strange[0]} is not of this task's samples: ask for {tokens_column(task.frames)}")
    if task.frames is not None and task.training is not None:
        raise ValueError("training is of images, and the samples of this task are clips")
    of_images = task.image_metrics + task.text_metrics + task.block_metrics + task.instance_metrics
    of_images += task.prompt_metrics + task.condition_metrics
    if task.frames is not None and of_images:
        raise ValueError(f"{of_images[0].name} looks at images, and the samples of this task are clips")


def _check_sets(requests: Iterable[MetricRequest], frames: int | None) -> None:
    for request in requests:
        entry = set_metric(request.name)
        if entry is not None and entry.of_videos != (frames is not None):
            looks, given = ("clips", "images") if frames is None else ("images", "clips")
            raise ValueError(f"{request.name} compares {looks}, and the samples of this task are {given}")
