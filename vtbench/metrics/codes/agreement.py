"""How far two encodings agree: shares of equal indices or bits, and the drift of latents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.core.codes import Codes


@dataclass(frozen=True, eq=False)
class Agreement:
    """Shares of each image of a batch.

    Attributes:
        overall: ``float64 [B]``: of all indices of an image, or of all its bits.
        parts: ``float64 [B,P]``: a level each; of bits, a bit of a level each, level by level.
    """

    overall: Tensor
    parts: Tensor


def agreement(first: Codes, second: Codes) -> Agreement | None:
    """Share of positions where two encodings of equal images are equal; every level counts as its tokens do.

    Returns:
        ``None`` of latents and payloads, of which no share says anything, and of encodings whose grids differ.
    """
    import torch

    if first.form != second.form or first.form not in ("levels", "bits") or first.grids != second.grids:
        return None
    pairs = zip(first.levels or first.bits, second.levels or second.bits, strict=True)
    equal = [_by_position(a == b, bits=bool(first.bits)) for a, b in pairs]
    positions = sum(level.shape[1] * level.shape[2] for level in equal)
    overall = sum(level.sum((1, 2), dtype=torch.float64) for level in equal) / positions
    return Agreement(torch.as_tensor(overall), torch.cat([level.double().mean(1) for level in equal], dim=1))


def mean_agreement(found: Sequence[Agreement]) -> Agreement:
    """The mean of several comparisons, each of which counts alike."""
    import torch

    overall, parts = (torch.stack([getattr(one, part) for one in found]).mean(0) for part in ("overall", "parts"))
    return Agreement(overall, parts)


def drift(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """``float64 [B]`` twice: squared change of latents ``[B,C,*grid]``, and their squared distance to the mean of their
    channel over the image. The first over the second, summed over images, is ``latent_drift``."""
    before, after = first.double().flatten(2), second.double().flatten(2)
    spread = before - before.mean(2, keepdim=True)
    return (after - before).square().sum((1, 2)), spread.square().sum((1, 2))


def part_names(sizes: Sequence[int], parts: int) -> list[str]:
    """Strata of :attr:`Agreement.parts`: levels where there are as many as codebooks, else bits of levels.

    Args:
        sizes: of the codebooks; one of bits has ``2**nbits`` entries.
        parts: ``P``.
    """
    if parts == len(sizes):
        return [f"level={level}" for level in range(parts)]
    widths = [size.bit_length() - 1 for size in sizes]
    return [f"level={level},bit={bit}" for level, width in enumerate(widths) for bit in range(width)]


def _by_position(equal: Tensor, bits: bool) -> Tensor:
    """``bool [B,*grid]`` to ``[B,N,1]``, ``bool [B,*grid,nbits]`` to ``[B,N,nbits]``."""
    return equal.flatten(1, -2) if bits else equal.flatten(1).unsqueeze(2)
