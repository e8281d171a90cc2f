"""TensorFlow's bilinear resize, without antialiasing, in its three rules of where a new pixel lies."""

from __future__ import annotations

import torch
from torch import Tensor


def resized(images: Tensor, size: tuple[int, int], corners: bool, centres: bool) -> Tensor:
    """``float32 [B,h,w,C]`` to ``[B,H,W,C]``.

    Args:
        size: ``(H, W)``.
        corners: the centres of the corner pixels stay where they are.
        centres: a pixel is its centre, at a half; else, and without ``corners``, its upper left corner (TensorFlow 1).
    """
    for axis, length in enumerate(size, start=1):
        images = _along(images, axis, _places(images.shape[axis], length, corners, centres, images.device))
    return images


def _places(old: int, new: int, corners: bool, centres: bool, device: torch.device) -> Tensor:
    """Where each new pixel lies among the old, ``float32 [new]``."""
    places = torch.arange(new, dtype=torch.float32, device=device)
    if corners and new > 1:
        return places * ((old - 1) / (new - 1))
    if centres:
        return (places + 0.5) * (old / new) - 0.5
    return places * (old / new)


def _along(images: Tensor, axis: int, places: Tensor) -> Tensor:
    last = images.shape[axis] - 1
    low = places.floor()
    share = (places - low).reshape([-1 if one == axis else 1 for one in range(images.ndim)])
    near, far = (images.index_select(axis, one.clamp(0, last).to(torch.int64)) for one in (low, low + 1))
    return near + (far - near) * share
