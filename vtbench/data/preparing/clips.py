"""Presets of images on clips: each frame is prepared as an image is, so all frames are cropped alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtbench.core.contracts import Prepared, Sample
from vtbench.core.errors import SampleError

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.data.preparing.presets import Preset


@dataclass(frozen=True)
class EachFrame:
    """A rule for images, of clips: ``[T,…]`` to ``[T,…]``."""

    rule: Callable[[Tensor], Tensor]

    def __call__(self, clip: Tensor) -> Tensor:
        """The rule of each frame."""
        import torch

        return torch.stack([self.rule(frame) for frame in clip])


@dataclass(frozen=True)
class OfClips:
    """A preset applied to every frame of ``uint8 [T,3,H,W]``.

    Attributes:
        preset: of images. What it does follows from the size alone, which all frames share.
        frames: T that every clip must have.
    """

    preset: Preset
    frames: int

    @property
    def id(self) -> str:
        """That of the preset: what it is applied to is told by the task."""
        return self.preset.id

    @property
    def size(self) -> int | None:
        """That of the preset."""
        return self.preset.size

    def prepare(self, sample: Sample) -> Prepared:
        """``uint8 [T,3,H,W]`` to model input and reference of as many frames.

        Raises:
            SampleError: another number of frames, or what the preset raises.
        """
        import torch

        if len(sample.image) != self.frames:
            raise SampleError(f"{sample.id}: a clip of {len(sample.image)} frames, the task takes {self.frames}")
        parts = [self.preset.prepare(Sample(sample.id, frame)) for frame in sample.image]
        given = torch.stack([part.model_input for part in parts])
        same = all(part.reference is part.model_input for part in parts)
        first = parts[0]
        return Prepared(
            id=sample.id,
            model_input=given,
            reference=given if same else torch.stack([part.reference for part in parts]),
            restore=None if first.restore is None else EachFrame(first.restore),
            target=sample.target,
            quantise=None if first.quantise is None else EachFrame(first.quantise),
        )
