"""How images reach a network's input size: the resizes that literature distinguishes, each named in ``id``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from vtbench.features.pillow_products import resized_by_products


def tf1_bilinear(images: Tensor, size: int) -> Tensor:
    """Bilinear without antialiasing and with pixel corners at integers, as TensorFlow 1 does it (``float32`` out).

    Output i mixes inputs ``floor(i s)`` and ``floor(i s) + 1``, ``s`` = input side / output side, columns first. Equal
    bit for bit on a CPU to torch-fidelity's function, which reproduces TensorFlow, in a sixth of its time: each input
    row is stretched once, and samples are picked along outer axes of the memory.
    """
    columns = images.permute(0, 3, 1, 2).contiguous().float()
    stretched = _mix(columns, size)
    rows = stretched.permute(0, 3, 1, 2).contiguous()
    return _mix(rows, size).permute(0, 3, 1, 2)


def _mix(lines: Tensor, size: int) -> Tensor:
    """``[B,n,…]`` to ``[B,size,…]`` by linear interpolation along the second axis."""
    n = lines.shape[1]
    position = torch.arange(size, dtype=torch.float32, device=lines.device) * torch.tensor(
        n / size, dtype=torch.float32
    )
    low = position.long()
    first = lines.index_select(1, low)
    second = lines.index_select(1, (low + 1).clamp_max(n - 1))
    return second.sub_(first).mul_((position - low).view(-1, 1, 1)).add_(first)


def pillow_bicubic_float(images: Tensor, size: int) -> Tensor:
    """Antialiased bicubic of Pillow, a channel at a time in float, clipped to [0, 255], not rounded.

    The ``clean`` resize of Parmar et al. 2022: on a CPU bit for bit, by Pillow itself; elsewhere within one unit in the
    last place, by products with Pillow's coefficients. ``float32`` on the images' device.
    """
    if images.device.type != "cpu":
        return resized_by_products(images, size).clamp_(0.0, 255.0)
    planes = images.numpy().astype(np.float32)
    resized = np.empty((*planes.shape[:2], size, size), dtype=np.float32)
    for index in np.ndindex(*planes.shape[:2]):
        picture = Image.fromarray(planes[index]).resize((size, size), resample=Image.Resampling.BICUBIC)
        resized[index] = np.asarray(picture).clip(0, 255)
    return torch.from_numpy(resized)


def pillow_bicubic_8bit(images: Tensor, size: int) -> Tensor:
    """Antialiased bicubic of Pillow on ``uint8`` RGB, rounded to levels: torchvision's ``Resize`` on a picture.

    ``float32`` of whole levels on the images' device; computed on the CPU, as nothing else rounds as Pillow does.
    """
    return _by_pillow(images, lambda picture: picture.resize((size, size), Image.Resampling.BICUBIC))


def square_bicubic_8bit(images: Tensor, size: int) -> Tensor:
    """The largest centred square, then :func:`pillow_bicubic_8bit`; an odd margin leaves its larger part behind."""
    height, width = images.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return pillow_bicubic_8bit(images[..., top : top + side, left : left + side], size)


def short_side_bicubic_8bit(images: Tensor, size: int, crop: int | None = None) -> Tensor:
    """Short side to ``size``, long side in proportion and cut to whole pixels, then the centred square.

    CLIP's own preparation of a picture (Radford et al. 2021): Pillow's bicubic on ``uint8``, antialiased.

    Args:
        images: ``uint8 [B,3,H,W]``.
        size: of the short side.
        crop: side of the square; ``size`` unless given.
    """
    side = crop or size
    height, width = images.shape[-2:]
    short = min(height, width)
    high, wide = size * height // short, size * width // short
    top, left = (high - side) // 2, (wide - side) // 2
    resized = _by_pillow(images, lambda picture: picture.resize((wide, high), Image.Resampling.BICUBIC))
    return resized[..., top : top + side, left : left + side]


def _by_pillow(images: Tensor, resize: Callable[[Image.Image], Image.Image]) -> Tensor:
    pictures = [resize(Image.fromarray(image)) for image in images.permute(0, 2, 3, 1).contiguous().cpu().numpy()]
    levels = np.stack([np.asarray(picture) for picture in pictures])
    return torch.from_numpy(levels).permute(0, 3, 1, 2).to(images.device, torch.float32)


def plain_bilinear(images: Tensor, size: int) -> Tensor:
    """PyTorch's bilinear without antialiasing, pixel centres at halves (``float32`` out, in [0, 255])."""
    return F.interpolate(images.float(), (size, size), mode="bilinear", align_corners=False)


def antialiased_bicubic(images: Tensor, size: int) -> Tensor:
    """PyTorch's antialiased bicubic, clipped to [0, 255] (``float32`` out), for networks without a tradition."""
    return F.interpolate(images.float(), (size, size), mode="bicubic", antialias=True).clamp_(0.0, 255.0)
