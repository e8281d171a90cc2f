"""Pictures of generated images: the same evenly spaced conditions for every generator."""

from __future__ import annotations

from dataclasses import dataclass
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

    def consider(self, index: int, sample_id: str, image: Tensor) -> None:
        """Keep ``uint8 [3,H,W]`` if it is one of the fixed samples."""
        if index in self.fixed:
            picture = Image.fromarray(np.moveaxis(image.cpu().numpy(), 0, -1))
            save_preview(picture, inside(self.folder, preview_name(index, sample_id)))
