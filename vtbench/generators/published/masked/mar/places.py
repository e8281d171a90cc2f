"""Known places out of all, through the encoder, and back among the masked ones: what MAR and Hi-MAR do alike."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def known_places(masked: Tensor, buffer: int) -> Tensor:
    """Places that hold something, ``int64 [B,K,1]``: those of the buffer first, then others in their order.

    Args:
        masked: ``bool [B,P]``, as many of every image; without the buffer, which is never masked.
        buffer: places before them.
    """
    shown = torch.cat([masked.new_zeros(len(masked), buffer), masked], dim=1).logical_not()
    return shown.nonzero()[:, 1].reshape(len(masked), -1, 1)


def gathered(x: Tensor, known: Tensor) -> Tensor:
    """``[B,P,D]`` at the known places, ``[B,K,D]``."""
    return x.gather(1, known.expand(-1, -1, x.shape[-1]))


def put_back(x: Tensor, known: Tensor, every: Tensor) -> Tensor:
    """``every`` (``[B,P,D]``) with ``x`` (``[B,K,D]``) at the known places."""
    return every.scatter(1, known.expand(-1, -1, x.shape[-1]), x)


def small_normal(*shape: int) -> nn.Parameter:
    """A learnt vector as it is before it is learnt: normal, of deviation 0.02."""
    return nn.Parameter(torch.empty(*shape).normal_(std=0.02))
