"""The nearest codebook entries of many vectors, by distance or by direction, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

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


def nearest_directions(latents: Tensor, codebook: nn.Embedding) -> Tensor:
    """Index of the entry with the largest cosine at each position: quantisers with an l2-normalised codebook.

    Latents are brought to unit length as well, which changes no order: between short vectors and unit vectors,
    differences of distances would be lost in rounding.

    Args:
        latents: ``float [B,C,*grid]``.
        codebook: of unit rows, as :func:`normalise_rows` makes them.

    Returns:
        ``int64 [B,*grid]``.
    """
    import torch.nn.functional as F

    return nearest_codes(F.normalize(latents.float(), dim=1), codebook.weight)


def normalise_rows(codebook: nn.Embedding) -> None:
    """Bring every entry to unit length, in place: what quantisers by direction compare with and decode from."""
    import torch.nn.functional as F

    codebook.weight.data = F.normalize(codebook.weight.data, dim=-1)
