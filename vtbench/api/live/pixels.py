"""One image in any form that people hold it in, as ``uint8 [3,H,W]``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vtbench.core.errors import SampleError, UsageError
from vtbench.core.foreign.returned import in_words
from vtbench.core.pixels import to_uint8
from vtbench.data.decode import from_pillow

_IMAGE_KEYS = ("image", "img", "images", "pixel_values", "jpg", "png")
_LABEL_KEYS = ("label", "labels", "target", "cls")
_NOISE = 1e-3


def array_images(images: Tensor | np.ndarray[Any, Any], what: str) -> Tensor:
    """``uint8 [N,3,H,W]`` as a tensor on the CPU.

    Raises:
        UsageError: another dtype or shape; says which is meant.
    """
    found = torch.from_numpy(images) if isinstance(images, np.ndarray) else images
    if found.dtype != torch.uint8:
        hint = "(images * 255).round().clamp(0, 255).to(torch.uint8)" if found.is_floating_point() else None
        raise UsageError(f"{what} is {in_words(found)}, not uint8 [N,3,H,W]", hint)
    if found.ndim != 4 or found.shape[1] != 3:
        hint = "images.permute(0, 3, 1, 2)" if found.ndim == 4 and found.shape[-1] == 3 else None
        raise UsageError(f"{what} is {in_words(found)}, not uint8 [N,3,H,W]", hint)
    if found.numel() == 0:
        raise UsageError(f"{what} is {in_words(found)}: no images")
    return found.detach().cpu()


def image_and_label(item: Any) -> tuple[Any, dict[str, Any] | None]:
    """An item of a data set as its image, and ``{"label": …}`` where a whole number stands beside it."""
    if isinstance(item, Mapping):
        image = next((item[key] for key in _IMAGE_KEYS if key in item), None)
        if image is None:
            raise SampleError(f"an item has no image, but {', '.join(map(str, item))}: call it image")
        return image, _label(next((item[key] for key in _LABEL_KEYS if key in item), None))
    if isinstance(item, tuple | list):
        return item[0], _label(item[1] if len(item) > 1 else None)
    return item, None


def pixels(image: Any) -> Tensor:
    """``uint8 [3,H,W]`` from a Pillow image, a ``uint8 [3,H,W]`` tensor, a ``uint8 [H,W,3]`` array, or floats in [0, 1]
    of either kind, which are rounded as a model's output is.

    Raises:
        SampleError: another shape or dtype, or floats outside [0, 1].
    """
    if isinstance(image, Image.Image):
        return from_pillow(image)
    if isinstance(image, np.ndarray):
        image = torch.from_numpy(np.ascontiguousarray(image))
        image = image.permute(2, 0, 1) if image.ndim == 3 and image.shape[-1] == 3 else image
    if not isinstance(image, Tensor) or image.ndim != 3 or image.shape[0] != 3:
        raise SampleError(f"an image is {in_words(image)}: a Pillow image or uint8 [3,H,W] is taken")
    image = image.detach().cpu()
    if image.dtype == torch.uint8:
        held: Tensor = image.contiguous()
        return held
    if not image.is_floating_point():
        raise SampleError(f"an image is {in_words(image)}: uint8, or floats in [0, 1], are taken")
    low, high = float(image.min()), float(image.max())
    if not (low >= -_NOISE and high <= 1.0 + _NOISE):  # NaN, too
        raise SampleError(f"an image has values in [{low:.2f}, {high:.2f}]: give it in [0, 1], before it is normalised")
    return to_uint8(image)


def _label(value: Any) -> dict[str, Any] | None:
    """A whole number, as such or as a tensor or array of one; of anything else, nothing."""
    if isinstance(value, Tensor | np.generic | np.ndarray):
        size = value.numel() if isinstance(value, Tensor) else value.size
        value = value.item() if size == 1 else None
    return {"label": value} if type(value) is int else None  # True is no label
