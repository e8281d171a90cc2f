"""The one place where images change between ``uint8`` and ``float32``.

Every model sees the same input and is rounded by the same rule; a truncating conversion anywhere else would move
half of all samples by one level.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_FLOAT32_NOISE = 1e-4
"""Levels; a float32 in [0, 1] that stands for an 8-bit level is off by less than 2e-5 of them."""


def to_unit(images: Tensor) -> Tensor:
    """``uint8 [B,3,H,W]`` to ``float32`` in [0, 1].

    Raises:
        ValueError: another dtype; floats would be scaled twice, and in place.
    """
    import torch

    if images.dtype != torch.uint8:
        raise ValueError(f"images at rest are uint8, got {images.dtype}")
    return images.float().div_(255.0)


def to_uint8(images: Tensor) -> Tensor:
    """Float images around [0, 1] to ``uint8``: clamp, scale by 255, round to nearest (ties to even).

    ``to_uint8(to_unit(x)) == x`` for every ``uint8`` value. Non-finite values must be caught before.
    """
    import torch

    return images.float().clamp(0.0, 1.0).mul(255.0).round().to(torch.uint8)


def truncate_to_uint8(images: Tensor) -> Tensor:
    """Float images around [0, 1] to ``uint8``: clamp, scale by 255, drop the fraction. For compat tasks only.

    ``truncate_to_uint8(to_unit(x)) == x`` for every ``uint8`` value; of any other value half a level is lost on
    average.
    """
    import torch

    return images.float().clamp(0.0, 1.0).mul(255.0).to(torch.uint8)


def truncate_signed_to_uint8(images: Tensor) -> Tensor:
    """The same for an image that was kept in [-1, 1] as ``float32``: 95 of 256 levels come back one lower.

    The value in [-1, 1] is the double ``2 x - 1`` rounded to ``float32``, and what is truncated is
    ``(value + 1) / 2 * 255`` in ``float32``. Input within float32 noise of an 8-bit level is taken to be that level,
    so that an exact copy of an image suffers exactly what the image does.
    """
    import torch

    levels = images.double().clamp(0.0, 1.0).mul(255.0)
    nearest = levels.round()
    levels = torch.where((levels - nearest).abs() < _FLOAT32_NOISE, nearest, levels)
    signed = (levels / 255.0 * 2.0 - 1.0).float()
    return signed.add(1.0).div(2.0).mul(255.0).to(torch.uint8)


def pad_to_stride(images: Tensor, stride: int) -> Tensor:
    """Replicate the right and bottom edges until both sides of ``[B,C,H,W]`` are multiples of ``stride``.

    The caller crops its output back to the original height and width. Replication is used because reflection is
    undefined for sides shorter than the padding.

    Raises:
        ValueError: a stride below 1.
    """
    import torch.nn.functional as F

    if stride < 1:
        raise ValueError(f"the stride must be at least 1, got {stride}")
    height, width = images.shape[-2:]
    bottom, right = -height % stride, -width % stride
    if bottom == 0 and right == 0:
        return images
    return F.pad(images, (0, right, 0, bottom), mode="replicate")
