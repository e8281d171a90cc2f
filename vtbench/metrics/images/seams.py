"""Seams: is the error larger where a picture was put together from tiles than elsewhere?

A network that works in tiles sees less context at their borders, and normalises each tile by itself. Where tiles meet,
every ``pitch`` pixels, two things may follow: more error around the meeting line, and a jump of the error across it,
such as two tiles of different brightness give. With ``e = prediction - reference``, in 8-bit levels, as float64:

    seam_excess = 10 log10( mean of e² within ``band`` pixels of a seam / mean of e² elsewhere )
    seam_step   = 10 log10( mean of (e(x) - e(x-1))² across seams / the same across all other neighbours )

over pixels and RGB, columns and rows alike. Seams are the lines between columns ``k·pitch - 1`` and ``k·pitch``, and
between rows, ``k = 1, 2, …``; within ``band`` are the ``band`` columns or rows on either side. 0 dB is no seam: detail
that happens to lie on the lines moves a single image either way, and averages out over images, or by comparison with
the same network without tiles.

Tiles that overlap are blended from a seam on, over the width of the overlap: a ``band`` as wide as that sees all of it,
and ``seam_step`` is then small whatever the tiles do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vtbench.core.errors import UsageError
from vtbench.metrics.catalog.lookup import IMAGE_INFOS
from vtbench.metrics.images.pixel import check_pair

if TYPE_CHECKING:
    import torch
    from torch import Tensor

PITCH = 192
"""Of tiles of 256 pixels that overlap by a quarter."""


class SeamExcess:
    """Error near seams against elsewhere, in dB; larger is worse, 0 is none.

    NaN for an image with a side that no seam crosses; 0 for equal images; infinite where the error is zero on one side
    only.

    Args:
        pitch: pixels from one seam to the next: a tile's side less its overlap.
        band: pixels on either side of a seam that count as near.

    Raises:
        UsageError: a band that is not in 1 … (pitch - 1) / 2.
    """

    info = IMAGE_INFOS["seam_excess"]

    def __init__(self, pitch: int = PITCH, band: int = 8) -> None:
        if not 0 < 2 * band < pitch:
            raise UsageError(f"seam_excess: a band of {band} at seams every {pitch} pixels", "give 0 < 2 band < pitch")
        self._pitch, self._band = pitch, band

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]``."""
        check_pair(self.info.name, prediction, reference)
        height, width = prediction.shape[-2:]
        rows, columns = (_near(side, self._pitch, self._band, prediction.device) for side in (height, width))
        near = rows[:, None] | columns[None, :]
        squares = _squares(prediction, reference)
        means = ((squares * mask).sum((1, 2)) / mask.sum() for mask in (near, ~near))
        return _ratio(*means, crossed=min(height, width) > self._pitch)


class SeamStep:
    """Jump of the error across seams against that between all other neighbours, in dB; larger is worse, 0 is none.

    NaN, 0 and infinities as :class:`SeamExcess`.

    Args:
        pitch: pixels from one seam to the next.

    Raises:
        UsageError: a pitch below 2.
    """

    info = IMAGE_INFOS["seam_step"]

    def __init__(self, pitch: int = PITCH) -> None:
        if pitch < 2:
            raise UsageError(f"seam_step: seams every {pitch} pixels", "give a pitch of 2 or more")
        self._pitch = pitch

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]``."""
        import torch

        check_pair(self.info.name, prediction, reference)
        error = prediction.to(torch.float64) - reference.to(torch.float64)
        across = error.diff(dim=-1).square().sum((1, 2))  # [B,W-1]: by neighbouring columns
        down = error.diff(dim=-2).square().sum((1, 3))  # [B,H-1]: by neighbouring rows
        height, width = error.shape[-2:]
        steps = torch.cat([across, down], 1)
        counts = torch.cat([torch.full_like(across[0], height), torch.full_like(down[0], width)])
        seams = torch.cat([self._seams(side, steps.device) for side in (width, height)])
        means = ((steps * chosen).sum(1) / (counts * chosen).sum() for chosen in (seams, ~seams))
        return _ratio(*means, crossed=min(height, width) > self._pitch)

    def _seams(self, side: int, device: torch.device) -> Tensor:
        """``bool [side-1]``: entry i is the border between i and i + 1."""
        import torch

        return torch.arange(1, side, device=device) % self._pitch == 0


def _near(side: int, pitch: int, band: int, device: torch.device) -> Tensor:
    """``bool [side]``: within ``band`` of a seam; seams lie at multiples of the pitch inside the image."""
    import torch

    places = torch.arange(side, device=device)
    seams = torch.arange(pitch, side, pitch, device=device)
    return ((places[:, None] >= seams - band) & (places[:, None] < seams + band)).any(1)


def _squares(prediction: Tensor, reference: Tensor) -> Tensor:
    """``float64 [B,H,W]``: squared error, summed over RGB; exact, being whole numbers."""
    import torch

    return (prediction.to(torch.float64) - reference.to(torch.float64)).square().sum(1)


def _ratio(here: Tensor, there: Tensor, *, crossed: bool) -> Tensor:
    """In dB; 0 where both are 0, NaN without seams along both sides."""
    import torch

    if not crossed:
        return torch.full_like(here, torch.nan)
    decibels = 10.0 * (here / there).log10()
    return torch.where((here == 0) & (there == 0), torch.zeros_like(decibels), decibels)
