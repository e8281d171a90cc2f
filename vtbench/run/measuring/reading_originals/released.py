"""Read as VTBench's released scripts do: both images enlarged first, and the original's reading taken for the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image
from torch import Tensor

from vtbench.data.pixels import from_pillow, to_pillow
from vtbench.metrics.texts.compat_vtbench import released_counts
from vtbench.readers.cache import CachedReader

READ_SIDE = 1024


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
