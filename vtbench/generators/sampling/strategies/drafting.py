"""What stands in a window where no earlier pass has drawn a draft: any rule will do that does not look ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

Filling = Literal["random", "repeat-left"]


def random_fill(uniform: Tensor, vocabulary: int) -> Tensor:
    """Uniform numbers ``float64 [B,W]`` in [0, 1) to tokens ``int64 [B,W]``."""
    return (uniform * vocabulary).long().clamp(max=vocabulary - 1)


def repeat_left(tokens: Tensor, first: Tensor, drafted: Tensor, width: int, row: int) -> Tensor:
    """Each token that has no draft takes the one on its left; at the start of a row, the one above.

    Args:
        tokens: ``int64 [B,N]``, in raster order; those before ``first`` are known.
        first: ``int64 [B]``, at least 1: the window's first token.
        drafted: ``int64 [B,W]``: drafts, negative where there is none.
        width: W.
        row: tokens of a row.

    Returns:
        ``int64 [B,W]``.
    """
    import torch

    rows, count = torch.arange(len(tokens), device=tokens.device), tokens.shape[1]
    filled = tokens.clone()
    for slot in range(width):
        at = (first + slot).clamp(max=count - 1)
        starts = (at % row == 0) & (at >= row)
        neighbour = filled[rows, torch.where(starts, at - row, at - 1)]
        filled[rows, at] = torch.where(drafted[:, slot] < 0, neighbour, drafted[:, slot])
    slots = (first[:, None] + torch.arange(width, device=tokens.device)).clamp(max=count - 1)
    return filled.gather(1, slots)
