"""Every generated image as a file, for judges that vtbench does not run: of prompts in GenEval's layout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from vtbench.core.disk.files import inside, path_segment
from vtbench.data.conditions import ConditionSample, ConditionSet
from vtbench.generators.elsewhere.geneval_layout import METADATA, write_image, write_metadata


@dataclass(frozen=True, eq=False)
class SampleFiles:
    """Writes samples as they are scored: PNG, at the task's size; of clips a folder of frames, as ``videos`` reads it.

    Attributes:
        folder: of prompts ``00000/metadata.jsonl`` and ``00000/samples/0000.png``; else ``<id>.png``, of clips
            ``<id>/0000.png`` …
        conditions: of the whole task.
        frames: of each clip; ``None`` of images.
    """

    folder: Path
    conditions: ConditionSet
    frames: int | None = None

    def path(self, index: int, request: ConditionSample) -> Path:
        """Where an image comes to lie, or the last frame of a clip, which is written last."""
        if self.frames is not None:
            return inside(self.folder, path_segment(request.id)) / f"{self.frames - 1:04d}.png"
        if not self._in_geneval:
            return inside(self.folder, f"{path_segment(request.id)}.png")
        prompt, copy = divmod(index, int(self.conditions.description["per_prompt"]))
        return self.folder / f"{prompt:05d}" / "samples" / f"{copy:04d}.png"

    def beside(self, index: int, request: ConditionSample) -> list[Path]:
        """Everything that is written for a sample: its image, and in GenEval's layout its prompt."""
        path = self.path(index, request)
        if self.frames is not None:
            return [path.with_name(f"{number:04d}.png") for number in range(self.frames)]
        return [path.parents[1] / METADATA, path] if self._in_geneval else [path]

    def write(self, index: int, request: ConditionSample, image: Tensor) -> None:
        """Write ``uint8 [3,H,W]``, or ``[T,3,H,W]``."""
        path = self.path(index, request)
        if self.frames is not None:
            for number, frame in enumerate(image):
                write_image(path.with_name(f"{number:04d}.png"), frame)
            return
        place = path.parents[1]
        if self._in_geneval and not (place / METADATA).is_file():
            write_metadata(place, request.condition)
        write_image(path, image)

    @property
    def _in_geneval(self) -> bool:
        return self.frames is None and self.conditions.description.get("of") == "prompts"
