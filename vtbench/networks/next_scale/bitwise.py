"""Scales of binary spherical codes: each is spread over the sides of the last one, and all are summed up.

Source: Han et al., Infinity, 2412.04431, section 3.2. Channels are told as the network has them: channel 0 first. Where
a token covers a patch of latents, channel ``p² c + p i + j`` of a token is channel c of its latent in row i, column j.
"""

from __future__ import annotations

import math
from typing import Literal

import torch.nn.functional as F
from torch import Tensor

Sides = tuple[int, int]
Down = Literal["bilinear", "area"]


def on_sphere(signs: Tensor, patch: int = 1) -> Tensor:
    """Tokens to latents of length 1.

    Args:
        signs: ``float32 [B,C,h,w]``, -1 and 1.
        patch: latents along a side of a token.

    Returns:
        ``float32 [B,C/p²,p·h,p·w]`` of ±1/√(C/p²).
    """
    latents = F.pixel_shuffle(signs, patch) if patch > 1 else signs
    return latents.div(math.sqrt(latents.shape[1]))


def spread(latents: Tensor, sides: Sides) -> Tensor:
    """Latents ``[B,C,h,w]``, bilinear, at ``sides``; as they are where they have these."""
    if latents.shape[-2:] == sides:
        return latents
    return F.interpolate(latents, size=sides, mode="bilinear")


def gathered(total: Tensor, sides: Sides, patch: int = 1, mode: Down = "bilinear") -> Tensor:
    """The sum so far as the tokens of a coarser scale.

    Args:
        total: ``[B,C,H,W]``.
        sides: of the scale, in tokens.
        patch: latents along a side of a token.
        mode: of the interpolation.

    Returns:
        ``[B,p²·C,h,w]``.
    """
    coarse = F.interpolate(total, size=(sides[0] * patch, sides[1] * patch), mode=mode)
    return F.pixel_unshuffle(coarse, patch) if patch > 1 else coarse
