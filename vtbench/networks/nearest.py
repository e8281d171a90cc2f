"""The codebook entries that many vectors become: nearest, of nearest direction, of largest product; bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

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

    book = entries.float()
    squares = book.square().sum(1)
    # |x - e|^2 without |x|^2, which is the same for every entry
    return _each(latents, len(book), lambda rows: torch.addmm(squares, rows, book.T, alpha=-2.0).argmin(1))


def largest_products(latents: Tensor, entries: Tensor) -> Tensor:
    """Index of the entry with the largest inner product at each position, found in float32 whatever the precision.

    Args:
        latents: ``float [B,C,*grid]``.
        entries: ``float [K,C]``.

    Returns:
        ``int64 [B,*grid]``; of equal products the first.
    """
    book = entries.float()
    return _each(latents, len(book), lambda rows: (rows @ book.T).argmax(1))


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


def _each(latents: Tensor, entries: int, look_up: Callable[[Tensor], Tensor]) -> Tensor:
    """Look up the rows ``float32 [N,C]`` of ``[B,C,*grid]`` some at a time: ``int64 [B,*grid]``."""
    import torch

    rows = latents.movedim(1, -1).float()
    flat = rows.reshape(-1, rows.shape[-1])
    parts = [look_up(part) for part in torch.split(flat, max(1, CHUNK // entries))]
    return torch.cat(parts).reshape(rows.shape[:-1])
