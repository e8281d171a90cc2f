"""Pictures of generated images: the same evenly spaced conditions for every generator.

Where a condition has images, they stand beside: what the image was made from | the image | the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from vtbench.core.contracts import Condition
from vtbench.core.disk.files import inside
from vtbench.core.errors import SampleError
from vtbench.data.pixels import to_pillow
from vtbench.run.measuring.previews import preview_name, save_preview
from vtbench.run.measuring.videos.strips import frames_last, strip
from vtbench.tasks.kinds import TRUTH

_GAP = 4
_FIRST = ("source", "mask", "control", "subject", "style")
"""Roles that are shown, in this order; further ones of a condition are not, nor more than one image of a role."""


@dataclass(frozen=True, eq=False)
class SamplePreviews:
    """Keeps fixed samples, one picture each.

    Attributes:
        folder: where they go.
        fixed: positions of the samples that are kept.
    """

    folder: Path
    fixed: frozenset[int]

    def kept(
        self, index: int, sample_id: str, image: Tensor, condition: Condition | None = None
    ) -> list[Callable[[], None]]:
        """Write ``uint8 [3,H,W]``, or a clip ``[T,3,H,W]`` as a strip of frames, beside the images of its condition, if
        it is one of the fixed samples."""
        if index not in self.fixed:
            return []
        return [partial(_write, image, condition or Condition(), inside(self.folder, preview_name(index, sample_id)))]


def side_by_side(image: Tensor, condition: Condition) -> Image.Image:
    """What it was made from, ``uint8 [3,H,W]`` itself, and the truth, all as high as it is, gaps between them."""
    high = image.shape[-2]
    shown = [role for role in _FIRST if role in condition.images]
    made = [_as_high(to_pillow(one), high) for role in shown for one in _first_of(condition, role)]
    wanted = [_as_high(to_pillow(one), high) for one in _first_of(condition, TRUTH)]
    pictures = [*made, _shown(image), *wanted]
    gap = np.full((high, _GAP, 3), 255, dtype=np.uint8)
    parts = [part for picture in pictures for part in (np.asarray(picture), gap)][:-1]
    return Image.fromarray(np.concatenate(parts, axis=1))


def _shown(image: Tensor) -> Image.Image:
    return to_pillow(image) if image.ndim == 3 else Image.fromarray(strip(frames_last(image)))


def _first_of(condition: Condition, role: str) -> Iterator[Tensor]:
    """The first image of a role, if there is one that can be read."""
    if role not in condition.images:
        return
    try:
        yield condition.images[role][0]
    except SampleError:
        return


def _as_high(picture: Image.Image, high: int) -> Image.Image:
    """In proportion; small ones by whole pixels, so that a small source looks as small as it is."""
    if picture.height == high:
        return picture
    rule = Image.Resampling.NEAREST if picture.height < high else Image.Resampling.LANCZOS
    return picture.resize((max(1, round(picture.width * high / picture.height)), high), rule)


def _write(image: Tensor, condition: Condition, path: Path) -> None:
    save_preview(side_by_side(image, condition), path)
