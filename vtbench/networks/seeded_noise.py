"""Random numbers of an image that follow from its own seed, whatever batch it is in and whatever device it is on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def drawn_from_seeds(draw: Callable[..., Tensor], shape: Sequence[int], seeds: Tensor) -> Tensor:
    """One draw an image, on the CPU: ``float32 [B,*shape]``.

    Args:
        draw: ``torch.randn`` or ``torch.rand``.
        shape: of one image's numbers.
        seeds: ``int64 [B]``.
    """
    import torch

    return torch.stack([draw(*shape, generator=torch.Generator().manual_seed(int(seed))) for seed in seeds])
