"""Which positions see which, where those of several scales go through a network at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def levels_of(lengths: Sequence[int], device: torch.device) -> Tensor:
    """``int64 [Σ lengths]``: the scale of each position, from 0."""
    return torch.repeat_interleave(
        torch.arange(len(lengths), device=device), torch.tensor(tuple(lengths), device=device)
    )


def block_causal(lengths: Sequence[int], past: int, device: torch.device) -> Tensor | None:
    """Each scale sees those before it and all of itself: ``bool [T,past+T]``; ``None`` for one scale, which sees all.

    Args:
        lengths: positions of each scale.
        past: positions before them, which all see.
        device: of the mask.
    """
    if len(lengths) == 1:
        return None
    levels = levels_of(lengths, device)
    before = torch.ones(len(levels), past, dtype=torch.bool, device=device)
    return torch.cat([before, levels[:, None] >= levels[None]], dim=1)


def block_diagonal(lengths: Sequence[int], device: torch.device) -> Tensor | None:
    """Each scale sees itself alone: ``bool [T,T]``; ``None`` for one scale."""
    if len(lengths) == 1:
        return None
    levels = levels_of(lengths, device)
    return levels[:, None] == levels[None]
