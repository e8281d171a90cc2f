"""Small changes of an image that should not matter much to its codes; each gives ``uint8`` images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from vtbench.core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.core.codes import Codes


@runtime_checkable
class Alteration(Protocol):
    """What is done to images before they are encoded again."""

    def altered(self, images: Tensor, seeds: Sequence[int]) -> tuple[Tensor, ...]:
        """``uint8 [B,3,H,W]`` and a seed an image to one or several batches of the same shape, on the CPU."""

    def undone(self, codes: Codes) -> Codes | None:
        """Codes of an altered image as they would lie in the original's; ``None`` where that cannot be said."""


class _InPlace:
    """An alteration after which every position still shows what it showed."""

    def undone(self, codes: Codes) -> Codes | None:
        """As they are."""
        return codes


class Noise(_InPlace):
    """Gaussian noise, independent in every channel of every pixel, from each image's own seed.

    Args:
        sigma: its standard deviation, in 8-bit levels.
    """

    def __init__(self, sigma: float = 2.0) -> None:
        self._sigma = _within("sigma", sigma, 0, 255)

    def altered(self, images: Tensor, seeds: Sequence[int]) -> tuple[Tensor, ...]:
        """Noise is added, then rounded to 8 bits."""
        import torch

        shape = images.shape[1:]
        noise = [torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        return (_at_rest(images.float() + self._sigma * torch.stack(noise)),)


class Shift(_InPlace):
    """Pixels are rolled to the right and down: those that leave on one side come back on the other.

    Args:
        pixels: in each direction.
    """

    def __init__(self, pixels: int = 1) -> None:
        self._pixels = int(_within("pixels", pixels, 1, 1024))

    def altered(self, images: Tensor, seeds: Sequence[int]) -> tuple[Tensor, ...]:
        """Rolled."""
        return (images.roll((self._pixels, self._pixels), dims=(-2, -1)),)


class Jpeg(_InPlace):
    """The image as JPEG stores it (Pillow's, 4:2:0).

    Args:
        quality: from 1 to 100.
    """

    def __init__(self, quality: int = 75) -> None:
        self._quality = int(_within("quality", quality, 1, 100))

    def altered(self, images: Tensor, seeds: Sequence[int]) -> tuple[Tensor, ...]:
        """Stored and read again."""
        import torch

        return (torch.stack([self._stored(image) for image in images]),)

    def _stored(self, image: Tensor) -> Tensor:
        import numpy as np
        import torch
        from PIL import Image

        stream = BytesIO()
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(stream, "JPEG", quality=self._quality)
        with Image.open(stream, formats=["JPEG"]) as read:
            return torch.from_numpy(np.array(read.convert("RGB"))).permute(2, 0, 1)


class Brightness(_InPlace):
    """Every level times ``1 - change``, then times ``1 + change``: two altered images.

    Args:
        change: between 0 and 1.
    """

    def __init__(self, change: float = 0.1) -> None:
        self._change = _within("change", change, 0, 1)

    def altered(self, images: Tensor, seeds: Sequence[int]) -> tuple[Tensor, ...]:
        """The darker and the brighter images."""
        return tuple(_at_rest(images.float() * factor) for factor in (1 - self._change, 1 + self._change))


class Flip:
    """Mirrored from left to right; so is the grid of codes, back. Of tokens without a plane it says nothing."""

    def altered(self, images: Tensor, seeds: Sequence[int]) -> tuple[Tensor, ...]:
        """Mirrored."""
        return (images.flip(-1),)

    def undone(self, codes: Codes) -> Codes | None:
        """Grids mirrored back, where all are of two dimensions."""
        if any(len(grid) != 2 for grid in codes.grids) or codes.latents is not None:
            return None
        levels = tuple(level.flip(-1) for level in codes.levels)
        return replace(codes, levels=levels, bits=tuple(plane.flip(-2) for plane in codes.bits))


def _at_rest(levels: Tensor) -> Tensor:
    """Float levels to ``uint8``."""
    import torch

    return levels.clamp(0.0, 255.0).round().to(torch.uint8)


def _within(name: str, value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise UsageError(f"{name} must lie between {low:g} and {high:g}, got {value!r}")
    return value
