"""The nearest codebook entries of many vectors, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 1 << 26
"""Distances held at once: 256 MiB of float32."""


def nearest_codes(latents: Tensor, entries: Tensor) -> Tensor:
    """Index of the Euclidean nearest entry at each position, found in float32 whatever the precision.

    Args:
        latents: ``float [B,C,*grid]``.
        entries: ``float [K,C]``; unit vectors for a quantiser by cosine, whose order they then share.

    Returns:
        ``int64 [B,*grid]``; of equally near entries the first.
    """
    import torch

    rows = latents.movedim(1, -1).float()
    grid, book = rows.shape[:-1], entries.float()
    flat, squares = rows.reshape(-1, rows.shape[-1]), entries.float().square().sum(1)
    # |x - e|^2 without |x|^2, which is the same for every entry
    step = max(1, CHUNK // len(book))
    parts = [torch.addmm(squares, part, book.T, alpha=-2.0).argmin(1) for part in torch.split(flat, step)]
    return torch.cat(parts).reshape(grid)
