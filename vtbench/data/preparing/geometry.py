"""Resize and crop rules of well-known pipelines, on Pillow images. Sizes are (width, height), as Pillow has them."""

from __future__ import annotations

from PIL import Image

from vtbench.core.errors import SampleError
from vtbench.data.limits import MAX_PIXELS

Size = tuple[int, int]


def adm_resize(image: Image.Image, size: int, name: str) -> Image.Image:
    """Halve with BOX while the short side is at least ``2 * size``, then :func:`resize_cover` with BICUBIC.

    Odd sides lose the half pixel (floor). Rule of guided-diffusion, Dhariwal and Nichol 2021.
    """
    while min(image.size) >= 2 * size:
        image = image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX)
    return resize_cover(image, size, Image.Resampling.BICUBIC, name)


def resize_cover(image: Image.Image, size: int, resample: Image.Resampling, name: str) -> Image.Image:
    """Scale by ``size / short side``; both sides rounded, ties to even."""
    scale = size / min(image.size)
    return _resize(image, (round(image.width * scale), round(image.height * scale)), resample, name)


def resize_short_side(image: Image.Image, size: int, resample: Image.Resampling, name: str) -> Image.Image:
    """torchvision's ``Resize(size)``: the short side becomes ``size``, the long side ``int(size * long / short)``."""
    width, height = image.size
    if width <= height:
        return _resize(image, (size, int(size * height / width)), resample, name)
    return _resize(image, (int(size * width / height), size), resample, name)


def center_box(image_size: Size, size: int, rounded: bool = False) -> tuple[int, int, int, int]:
    """Box of the central square; half a pixel of an odd margin is cut off or (``rounded``) rounded, ties to even."""
    left, top = (
        (round(spare / 2) if rounded else spare // 2) for spare in (image_size[0] - size, image_size[1] - size)
    )
    return left, top, left + size, top + size


def _resize(image: Image.Image, size: Size, resample: Image.Resampling, name: str) -> Image.Image:
    if size[0] * size[1] > MAX_PIXELS:
        raise SampleError(
            f"{name}: {image.width}x{image.height} is too long and thin: resizing it makes {size[0]}x{size[1]} pixels"
        )
    return image.resize(size, resample)
