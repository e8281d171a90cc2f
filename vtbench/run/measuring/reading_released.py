"""Read as VTBench's released scripts do: both images enlarged first, and the original's reading taken for the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image
from torch import Tensor

from vtbench.data.pixels import from_pillow, to_pillow
from vtbench.metrics.texts.compat_vtbench import RELEASED_COLUMNS, released_counts
from vtbench.readers.cache import CachedReader
from vtbench.run.measuring.reading import TEXT_COLUMNS, TextScorer, text_scorer
from vtbench.tasks import TaskSpec

READ_SIDE = 1024
COMPAT_PREFIX = "compat_"


@dataclass(frozen=True, eq=False)
class ReleasedTextScorer:
    """A reader that is shown 1024 × 1024 pixels, whatever was scored; each distinct image is read once ever."""

    reader: CachedReader

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any]) -> list[Mapping[str, float]]:
        """``uint8 [B,3,H,W]`` twice; counts by column. The true text in ``targets`` is not looked at."""
        read = self.reader.read([enlarged(image) for image in (*prediction, *reference)])
        half = len(prediction)
        return [released_counts(one.text, other.text) for one, other in zip(read[:half], read[half:], strict=True)]


def enlarged(image: Tensor) -> Tensor:
    """``uint8 [3,H,W]`` to ``uint8 [3,1024,1024]`` by Pillow's default filter, bicubic."""
    picture = to_pillow(image.cpu()).resize((READ_SIDE, READ_SIDE), Image.Resampling.BICUBIC)
    return from_pillow(picture)


def reads_as_released(task: TaskSpec) -> bool:
    """Whether the task's text metrics are compat ones; a task has all of them or none."""
    return any(request.name.startswith(COMPAT_PREFIX) for request in task.text_metrics)


def task_text_scorer(task: TaskSpec) -> TextScorer | ReleasedTextScorer | None:
    """What reads the images of this task, if anything does.

    Raises:
        UsageError: unknown reader or wrong arguments.
        AssetMissingError: the engine, its models or a language are not installed.
    """
    scorer = text_scorer(task.reader)
    return ReleasedTextScorer(scorer.reader) if scorer is not None and reads_as_released(task) else scorer


def text_columns(task: TaskSpec) -> tuple[str, ...]:
    """Row columns of the task's readings."""
    if task.reader is None:
        return ()
    return RELEASED_COLUMNS if reads_as_released(task) else TEXT_COLUMNS
