"""Images to rows of square patches and back, and linear algebra whose result cannot depend on the batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vtbench.core.errors import UsageError
from vtbench.core.pixels import pad_to_stride

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def check_whole(name: str, low: int, high: int, **values: int) -> None:
    """Refuse an argument that is not a whole number in ``[low, high]``.

    Raises:
        UsageError: naming the tokenizer, the argument and the range.
    """
    for argument, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise UsageError(f"{name}: {argument} must be a whole number from {low} to {high}, got {value!r}")


def to_patches(image: Tensor, patch: int) -> Tensor:
    """``[3,H,W]``, sides multiples of ``patch``, to ``[H/patch * W/patch, 3*patch*patch]``, row-major."""
    channels, height, width = image.shape
    rows, columns = height // patch, width // patch
    blocks = image.reshape(channels, rows, patch, columns, patch).permute(1, 3, 0, 2, 4)
    return blocks.reshape(rows * columns, channels * patch * patch)


def from_patches(vectors: Tensor, patch: int, grid: tuple[int, int]) -> Tensor:
    """Inverse of :func:`to_patches`."""
    rows, columns = grid
    blocks = vectors.reshape(rows, columns, -1, patch, patch).permute(2, 0, 3, 1, 4)
    return blocks.reshape(-1, rows * patch, columns * patch)


def encode_patches(images: Tensor, patch: int, encode: Callable[[Tensor], Tensor]) -> Tensor:
    """Apply ``encode: float64 [N,D] -> [N,*code]`` to each image's patches: ``[B,h,w,*code]``.

    One image at a time: a matrix product over a whole batch may round differently with its size, and a nearest
    neighbour could flip. Sides are padded by replication to multiples of ``patch``.
    """
    import torch

    padded = pad_to_stride(images, patch)
    grid = (padded.shape[-2] // patch, padded.shape[-1] // patch)
    precision = working_precision(images.device)
    codes = [encode(to_patches(image.to(precision), patch)) for image in padded]
    return torch.stack([code.reshape(*grid, *code.shape[1:]) for code in codes])


def decode_patches(
    codes: Tensor, patch: int, decode: Callable[[Tensor], Tensor], image_size: tuple[int, int] | None
) -> Tensor:
    """Apply ``decode: [N,*code] -> [N,D]`` to each image's codes ``[B,h,w,*code]`` and crop: ``float32 [B,3,H,W]``."""
    import torch

    grid = (codes.shape[1], codes.shape[2])
    images = [from_patches(decode(code.flatten(0, 1)).float(), patch, grid) for code in codes]
    height, width = image_size or (grid[0] * patch, grid[1] * patch)
    return torch.stack(images)[..., :height, :width]


def working_precision(device: torch.device) -> torch.dtype:
    """``float64``, in which near ties are practically never decided by rounding; ``float32`` where there is none."""
    import torch

    return torch.float32 if device.type == "mps" else torch.float64
