"""Pictures of what the numbers say: original | reconstruction | amplified error, for fixed and for worst samples."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from vtbench.core.contracts import Prepared
from vtbench.core.disk.files import atomic_path, inside, path_segment
from vtbench.core.info import MetricInfo
from vtbench.results.records.nearest import PAIR_PREFIX
from vtbench.run.measuring.videos.strips import below_one_another, frames_last
from vtbench.tasks import PreviewSpec

ERROR_GAIN = 4
_GAP = 4


def fixed_indices(count: int, most: int) -> frozenset[int]:
    """Evenly spaced samples: the same ones for every model on the same data."""
    if count <= 0 or most <= 0:
        return frozenset()
    return frozenset(int(position) for position in np.linspace(0, count - 1, min(most, count)).round())


def preview_image(reference: Tensor, prediction: Tensor) -> Image.Image:
    """Original, reconstruction and absolute error times :data:`ERROR_GAIN`, side by side.

    Both are ``uint8 [3,H,W]``; the picture is RGB, ``H`` high and ``3 W`` plus two gaps wide. Of clips, ``uint8
    [T,3,H,W]``, the three are strips of frames, one below another.
    """
    first, second = (frames_last(image) for image in (reference, prediction))
    error = np.clip(np.abs(first.astype(np.int16) - second) * ERROR_GAIN, 0, 255).astype(np.uint8)
    if first.ndim == 4:
        return Image.fromarray(below_one_another((first, second, error)))
    gap = np.full((first.shape[0], _GAP, 3), 255, dtype=np.uint8)
    return Image.fromarray(np.concatenate([first, gap, second, gap, error], axis=1))


@dataclass(eq=False)
class PreviewKeeper:
    """Keeps the pictures of one worker: fixed samples, and the worst it has seen.

    Each worker keeps its own worst; :func:`prune_previews` leaves the worst of all.

    Attributes:
        fixed: positions of the samples that are always kept.
        metric: what "worst" is judged by.
    """

    folder: Path
    spec: PreviewSpec
    fixed: frozenset[int]
    metric: MetricInfo
    _worst: list[tuple[float, int]] = field(default_factory=list)
    _pending: dict[int, tuple[Prepared, Tensor]] = field(default_factory=dict)

    def consider(self, index: int, sample: Prepared, prediction: Tensor, values: Mapping[str, float]) -> None:
        """Remember this sample if it is fixed or among the worst so far."""
        if index in self.fixed or self._is_among_worst(index, values.get(self.metric.row_column, math.nan)):
            self._pending[index] = (sample, prediction)

    def flush(self) -> list[Callable[[], None]]:
        """Write what the block brought; the heap may have dropped some of it again."""
        kept = self.fixed | {index for _, index in self._worst}
        writes: list[Callable[[], None]] = [
            partial(_write, sample.reference, prediction, inside(self.folder, preview_name(index, sample.id)))
            for index, (sample, prediction) in self._pending.items()
            if index in kept
        ]
        self._pending.clear()
        return writes

    def _is_among_worst(self, index: int, value: float) -> bool:
        if not math.isfinite(value) or self.spec.worst == 0:
            return False
        badness = -value if self.metric.higher_is_better else value
        if len(self._worst) < self.spec.worst:
            heapq.heappush(self._worst, (badness, index))
            return True
        if badness <= self._worst[0][0]:
            return False
        heapq.heapreplace(self._worst, (badness, index))
        return True


@dataclass(frozen=True, eq=False)
class FixedPreviews:
    """Keeps one picture of fixed samples, drawn when it is written.

    Attributes:
        folder: where they go.
        fixed: positions of the samples that are kept.
    """

    folder: Path
    fixed: frozenset[int]

    def kept(self, index: int, sample_id: str, drawn: Callable[[], Image.Image]) -> list[Callable[[], None]]:
        """Draw and write the picture of a sample, if it is one of those."""
        if index not in self.fixed:
            return []
        path = inside(self.folder, preview_name(index, sample_id))
        return [lambda: save_preview(drawn(), path)]


def _write(reference: Tensor, prediction: Tensor, path: Path) -> None:
    save_preview(preview_image(reference, prediction), path)


def prune_previews(folder: Path, keep: frozenset[int]) -> None:
    """Delete pictures of samples that are neither fixed nor among the worst of the whole run; those of pairs stay."""
    for path in folder.glob("*.webp"):
        if path.name.startswith(PAIR_PREFIX):
            continue
        index = path.name.partition("-")[0]
        if not index.isdigit() or int(index) not in keep:
            path.unlink(missing_ok=True)


def preview_name(index: int, sample_id: str) -> str:
    """File name of a sample's picture: its position, then its id made safe."""
    return f"{index:08d}-{path_segment(sample_id)}.webp"


def save_preview(image: Image.Image, path: Path) -> None:
    """Write a picture as lossless WebP, atomically."""
    with atomic_path(path) as temporary:
        image.save(temporary, format="WEBP", lossless=True, method=0)
