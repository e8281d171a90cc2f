"""What VTBench's released scripts do to images before they score them, as presets for compat tasks.

The model is given a LANCZOS centre crop of *its own* input size (256, 384, 512 or 1024 pixels); what it returns is
truncated to 8 bits; and original and reconstruction are both brought to 256 × 256 by Pillow's bilinear filter, which is
torchvision's ``Resize`` on Pillow images, before any score is taken (Lin et al. 2025, VTBench, as released).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from PIL import Image

from vtbench.core.contracts import Prepared, Sample
from vtbench.core.pixels import truncate_signed_to_uint8, truncate_to_uint8
from vtbench.data.pixels import from_pillow, to_pillow
from vtbench.data.preparing.geometry import center_box, resize_cover

if TYPE_CHECKING:
    from torch import Tensor

SCORED_SIDE = 256


@dataclass(frozen=True)
class ToScoredSide:
    """Squeezes an image into the square that is scored; one of that size comes out unchanged."""

    side: int = SCORED_SIDE

    def __call__(self, image: Tensor) -> Tensor:
        """``uint8 [3,H,W]`` to ``uint8 [3,side,side]``: bilinear, antialiased, aspect not kept."""
        return from_pillow(to_pillow(image).resize((self.side, self.side), Image.Resampling.BILINEAR))


@dataclass(frozen=True)
class VtbenchReleased:
    """VTBench as released, for a model fed [0, 1]: LANCZOS crop, truncated, scored at 256 (Lin et al. 2025).

    Args:
        size: side of the square that the model is given, in pixels: in the release, the model's own.
    """

    size: int
    name: ClassVar[str] = "vtbench-released"
    version: ClassVar[int] = 1
    frames: ClassVar[None] = None

    @property
    def id(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"

    @property
    def quantise(self) -> Callable[[Tensor], Tensor]:
        """How the scripts save an image, original or reconstruction."""
        return truncate_to_uint8

    def prepare(self, sample: Sample) -> Prepared:
        """The model sees the crop; the reference is what the scripts save of it, brought to 256 × 256."""
        picture = resize_cover(to_pillow(sample.image), self.size, Image.Resampling.LANCZOS, sample.id)
        crop = from_pillow(picture.crop(center_box(picture.size, self.size)))
        squeeze = ToScoredSide()
        return Prepared(
            id=sample.id,
            model_input=crop,
            reference=squeeze(self.quantise(crop.double() / 255.0)),
            restore=squeeze,
            target=sample.target,
            quantise=self.quantise,
        )


@dataclass(frozen=True)
class VtbenchReleasedSigned(VtbenchReleased):
    """The same for a model fed [-1, 1], whose originals lose one level in 95 of 256 to truncation (Lin et al. 2025)."""

    name: ClassVar[str] = "vtbench-released-signed"

    @property
    def quantise(self) -> Callable[[Tensor], Tensor]:
        """How the scripts save an image that they keep in [-1, 1]."""
        return truncate_signed_to_uint8
