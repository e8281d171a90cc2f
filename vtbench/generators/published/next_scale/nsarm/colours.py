"""The small image as the network sees it, and its colours on the large one, as NSARM's script puts them there.

Colours are fixed twice: mean and deviation of every channel become those of the small image (adaptive instance
normalisation, Huang and Belongie 2017), then all but the finest five bands of a wavelet-like pyramid (Wang et al. 2023,
StableSR, 2305.07015, appendix). Between the two stands an 8-bit image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor

EPS = 1e-5
LEVELS = 5
KERNEL = ((1, 2, 1), (2, 4, 2), (1, 2, 1))


def resized(image: Tensor, side: int) -> Tensor:
    """``uint8 [3,H,W]`` to ``uint8 [3,side,side]``, bicubic."""
    picture = Image.fromarray(image.permute(1, 2, 0).contiguous().cpu().numpy())
    return torch.from_numpy(np.array(picture.resize((side, side), Image.Resampling.BICUBIC))).permute(2, 0, 1)


def colour_fixed(large: Tensor, small: Tensor) -> Tensor:
    """``uint8 [3,S,S]`` with the colours of the small image, ``uint8 [3,s,s]``."""
    wanted = resized(small, large.shape[-1]).float() / 255
    normalised = _truncated(_with_moments(large.cpu().float() / 255, wanted))
    bands = _fine_bands(normalised.float() / 255)
    return _truncated(bands + _coarse_band(wanted))


def _with_moments(image: Tensor, wanted: Tensor) -> Tensor:
    means, deviations = zip(*(_moments(part) for part in (image, wanted)), strict=True)
    shifted: Tensor = (image - means[0]) / deviations[0] * deviations[1] + means[1]
    return shifted


def _moments(image: Tensor) -> tuple[Tensor, Tensor]:
    rows = image.flatten(1)
    return rows.mean(1)[:, None, None], (rows.var(1) + EPS).sqrt()[:, None, None]


def _fine_bands(image: Tensor) -> Tensor:
    return image - _coarse_band(image)


def _coarse_band(image: Tensor) -> Tensor:
    """What is left when it was blurred ``LEVELS`` times, over distances that double."""
    kernel = (torch.tensor(KERNEL) / 16.0).expand(3, 1, 3, 3)
    for level in range(LEVELS):
        radius = 2**level
        padded = F.pad(image[None], (radius,) * 4, mode="replicate")
        image = F.conv2d(padded, kernel, groups=3, dilation=radius)[0]
    return image


def _truncated(image: Tensor) -> Tensor:
    return image.clamp(0, 1).mul(255).to(torch.uint8)
