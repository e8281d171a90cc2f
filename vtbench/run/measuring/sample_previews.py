"""Pictures of generated images: the same evenly spaced conditions for every generator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from vtbench.core.disk.files import inside
from vtbench.run.measuring.previews import preview_name, save_preview


@dataclass(frozen=True, eq=False)
class SamplePreviews:
    """Keeps fixed samples as they are, one picture each.

    Attributes:
        folder: where they go.
        fixed: positions of the samples that are kept.
    """

    folder: Path
    fixed: frozenset[int]

    def kept(self, index: int, sample_id: str, image: Tensor) -> list[Callable[[], None]]:
        """Write ``uint8 [3,H,W]``, if it is one of the fixed samples."""
        if index not in self.fixed:
            return []
        return [partial(_write, image, inside(self.folder, preview_name(index, sample_id)))]


def _write(image: Tensor, path: Path) -> None:
    save_preview(Image.fromarray(np.moveaxis(image.numpy(), 0, -1)), path)
