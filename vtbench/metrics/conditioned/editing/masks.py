"""Where an edit may show and where it may not, from the mask of a condition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vtbench.core.contracts import Condition

if TYPE_CHECKING:
    import torch
    from torch import Tensor

THRESHOLD = 128
"""Level from which a mask says that a pixel is edited; masks are resized as images are."""


def edited(conditions: Sequence[Condition], device: torch.device) -> Tensor:
    """``bool [B,1,H,W]``: true where the mask is at least half white, by its brightest channel.

    Raises:
        SampleError: a condition without exactly one image as ``mask``.
    """
    import torch

    masks = torch.stack([condition.image("mask").amax(0, keepdim=True) for condition in conditions])
    return (masks >= THRESHOLD).to(device)


def stacked(conditions: Sequence[Condition], role: str, device: torch.device) -> Tensor:
    """``uint8 [B,3,H,W]``: the one image of a role of each condition.

    Raises:
        SampleError: a condition without exactly one.
    """
    import torch

    return torch.stack([condition.image(role) for condition in conditions]).to(device)


def nan_where(values: Tensor, undefined: Tensor) -> Tensor:
    """``float64 [B]`` with NaN where ``bool [B]`` says that there is nothing to score."""
    import torch

    return values.masked_fill(undefined, torch.nan)
