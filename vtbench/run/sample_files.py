"""Every generated image as a file, for judges that vtbench does not run: of prompts in GenEval's layout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from vtbench.core.files import inside, path_segment
from vtbench.data.conditions import ConditionSample, ConditionSet
from vtbench.generators.geneval_layout import write_image, write_metadata


@dataclass(frozen=True, eq=False)
class SampleFiles:
    """Writes samples as they are scored: PNG, at the task's size.

    Attributes:
        folder: of prompts ``00000/metadata.jsonl`` and ``00000/samples/0000.png``; else ``<id>.png``.
        conditions: of the whole task.
    """

    folder: Path
    conditions: ConditionSet

    def write(self, index: int, request: ConditionSample, image: Tensor) -> None:
        """Write ``uint8 [3,H,W]``."""
        if self.conditions.description.get("of") != "prompts":
            write_image(inside(self.folder, f"{path_segment(request.id)}.png"), image)
            return
        prompt, copy = divmod(index, int(self.conditions.description["per_prompt"]))
        place = self.folder / f"{prompt:05d}"
        if not (place / "metadata.jsonl").is_file():
            write_metadata(place, request.condition)
        write_image(place / "samples" / f"{copy:04d}.png", image)
