"""Preprocessing presets: named, versioned rules from a decoded image to what a model sees and is scored against.

========================  ===========================================================================================
``adm-center-crop``       ADM (guided-diffusion), used for ImageNet by LlamaGen and most generators: halve with a BOX
                          filter while the short side is at least twice the target, then BICUBIC to the target, both
                          sides rounded; crop the centre
``lanczos-center-crop``   VTBench: LANCZOS until the short side equals the target, both sides rounded; crop the centre
``bicubic-antialias``     torchvision ``Resize(size)`` + ``CenterCrop(size)`` on Pillow images (1d-tokenizer): short
                          side to the target, long side truncated, always antialiased
``bilinear-antialias``    the same with BILINEAR (MaskBit, FlowMo)
``tokbench-pad-…-undo``   TokBench: fit into a black square and undo; see :mod:`vtbench.data.preparing.tokbench`
``vtbench-released…``     VTBench's scripts as released, quirks included; see :mod:`.vtbench_released`
``native``                nothing
========================  ===========================================================================================

Of a clip each frame is prepared by the same rule, and so cropped alike (:mod:`vtbench.data.preparing.clips`).

All resampling is Pillow's, on ``uint8``: published tokenizers were measured that way, and its integer arithmetic gives
the same bits on every machine (torchvision's tensor resize does not). Images smaller than the target are enlarged by
the same rule. An image that already has the target size comes out unchanged.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import ClassVar, Protocol

from PIL import Image

from vtbench.core.contracts import Prepared, Sample
from vtbench.core.errors import UsageError
from vtbench.data.pixels import from_pillow, to_pillow
from vtbench.data.preparing.clips import OfClips
from vtbench.data.preparing.geometry import adm_resize, center_box, resize_cover, resize_short_side
from vtbench.data.preparing.tokbench import fit_into_square
from vtbench.data.preparing.vtbench_released import VtbenchReleased, VtbenchReleasedSigned


class Preset(Protocol):
    """One way to prepare a sample; picklable."""

    @property
    def id(self) -> str:
        """``name@version``: part of a task's protocol."""

    @property
    def size(self) -> int | None:
        """Side of the square that the model is given, in pixels; ``None`` for native sizes."""

    @property
    def frames(self) -> int | None:
        """Frames of the clips it prepares; ``None`` of a preset of images."""

    def prepare(self, sample: Sample) -> Prepared:
        """``uint8 [3,H,W]`` to model input and reference.

        Raises:
            SampleError: the image is so long and thin that resizing it would fill the memory.
        """


@dataclass(frozen=True)
class _Square:
    """A preset whose reference is the very square the model sees."""

    size: int
    name: ClassVar[str]
    version: ClassVar[int] = 1
    frames: ClassVar[None] = None

    @property
    def id(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"

    def prepare(self, sample: Sample) -> Prepared:
        """Resize and crop; model input and reference are one tensor."""
        pixels = from_pillow(self._square(to_pillow(sample.image), sample.id))
        return Prepared(id=sample.id, model_input=pixels, reference=pixels, target=sample.target)

    def _square(self, image: Image.Image, name: str) -> Image.Image:
        raise NotImplementedError


@dataclass(frozen=True)
class AdmCenterCrop(_Square):
    """BOX halving, BICUBIC, centre crop (Dhariwal and Nichol 2021, guided-diffusion)."""

    name: ClassVar[str] = "adm-center-crop"

    def _square(self, image: Image.Image, name: str) -> Image.Image:
        resized = adm_resize(image, self.size, name)
        return resized.crop(center_box(resized.size, self.size))


@dataclass(frozen=True)
class LanczosCenterCrop(_Square):
    """LANCZOS short side, centre crop (Lin et al. 2025, VTBench)."""

    name: ClassVar[str] = "lanczos-center-crop"

    def _square(self, image: Image.Image, name: str) -> Image.Image:
        resized = resize_cover(image, self.size, Image.Resampling.LANCZOS, name)
        return resized.crop(center_box(resized.size, self.size))


@dataclass(frozen=True)
class BicubicAntialias(_Square):
    """torchvision ``Resize(BICUBIC)`` and ``CenterCrop`` on Pillow images."""

    name: ClassVar[str] = "bicubic-antialias"

    def _square(self, image: Image.Image, name: str) -> Image.Image:
        resized = resize_short_side(image, self.size, Image.Resampling.BICUBIC, name)
        return resized.crop(center_box(resized.size, self.size, rounded=True))


@dataclass(frozen=True)
class BilinearAntialias(_Square):
    """torchvision ``Resize(BILINEAR)`` and ``CenterCrop`` on Pillow images."""

    name: ClassVar[str] = "bilinear-antialias"

    def _square(self, image: Image.Image, name: str) -> Image.Image:
        resized = resize_short_side(image, self.size, Image.Resampling.BILINEAR, name)
        return resized.crop(center_box(resized.size, self.size, rounded=True))


@dataclass(frozen=True)
class TokbenchPadResizeUndo:
    """The model sees the image fitted into a black square; its output is scored at the original size and pixels."""

    size: int
    name: ClassVar[str] = "tokbench-pad-resize-undo"
    version: ClassVar[int] = 1
    frames: ClassVar[None] = None

    @property
    def id(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"

    def prepare(self, sample: Sample) -> Prepared:
        """The reference is the original image; ``restore`` brings an output back to its size."""
        square, restore = fit_into_square(sample.image, self.size)
        return Prepared(id=sample.id, model_input=square, reference=sample.image, restore=restore, target=sample.target)


@dataclass(frozen=True)
class Native:
    """Every image as it is."""

    size: None = None
    name: ClassVar[str] = "native"
    version: ClassVar[int] = 1
    frames: ClassVar[None] = None

    @property
    def id(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"

    def prepare(self, sample: Sample) -> Prepared:
        """Model input and reference are the decoded image."""
        return Prepared(id=sample.id, model_input=sample.image, reference=sample.image, target=sample.target)


PRESETS: dict[str, type[_Square] | type[TokbenchPadResizeUndo] | type[VtbenchReleased] | type[Native]] = {
    preset.name: preset
    for preset in (
        AdmCenterCrop,
        LanczosCenterCrop,
        BicubicAntialias,
        BilinearAntialias,
        TokbenchPadResizeUndo,
        VtbenchReleased,
        VtbenchReleasedSigned,
        Native,
    )
}


def make_preset(name: str, size: int | None, frames: int | None = None) -> Preset:
    """A preset by ``name`` or ``name@version``, of images or, with ``frames``, of clips of so many.

    Args:
        name: a key of :data:`PRESETS`; with a version, it must be the one this vtbench implements.
        size: side in pixels; ``None`` for ``native``.
        frames: T of the clips whose frames are prepared by it; ``None`` for images.

    Raises:
        UsageError: unknown name or version, or a size that does not go with it.
    """
    of_images = _of_images(name, size)
    return of_images if frames is None else OfClips(of_images, frames)


def _of_images(name: str, size: int | None) -> Preset:
    base, _, version = name.partition("@")
    if base not in PRESETS:
        close = difflib.get_close_matches(base, PRESETS, n=2)
        hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(PRESETS)}"
        raise UsageError(f"unknown preprocessing preset {name!r}", hint)
    kind = PRESETS[base]
    if version and version != str(kind.version):
        raise UsageError(
            f"preset {base} has version {kind.version} here, not {version}",
            "use the vtbench that the task was made for",
        )
    if issubclass(kind, Native):
        if size is not None:
            raise UsageError(f"preset native keeps every size; size {size} cannot be asked of it", "leave size out")
        return kind()
    if size is None or size < 1:
        raise UsageError(f"preset {base} needs a size in pixels, not {size}", "give e.g. size: 256")
    return kind(size)
