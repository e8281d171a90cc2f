"""What an edit does to the part of the image that it should leave alone: errors over the background's pixels alone.

The background is what the mask leaves black. Each value is a mean over it: an edit that stays inside its mask is
perfect (0, infinitely many decibels, 1), and a fault of the background weighs the same however large the mask is. NaN
where the mask covers everything, counted as not applicable.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from vtbench.core.contracts import Condition
from vtbench.core.threads.lanes import of_each
from vtbench.metrics.catalog.of_conditions.editing import EDITING_INFOS
from vtbench.metrics.conditioned.editing.masks import edited, nan_where, stacked
from vtbench.metrics.images.pixel import PEAK, check_pair
from vtbench.metrics.images.ssim import GAUSSIAN_WINDOW, ssim_map

if TYPE_CHECKING:
    from torch import Tensor


def squared_error(images: Tensor, sources: Tensor, masks: Tensor) -> Tensor:
    """Mean squared error over the background, levels in [0, 1]: ``float64 [B]``; sums of integers, divided once."""
    import torch

    kept = ~masks
    difference = (images.to(torch.int32) - sources.to(torch.int32)) * kept
    total = difference.square_().flatten(1).sum(1, dtype=torch.int64).to(torch.float64)
    count = kept.flatten(1).sum(1) * images.shape[1]
    return nan_where(total / count.clamp_min(1) / PEAK**2, count == 0)


class MseBackground:
    """Mean squared error to the source over the pixels and channels of the background, levels in [0, 1]."""

    info = EDITING_INFOS["mse_background"]
    roles: ClassVar[tuple[str, ...]] = ("source", "mask")

    def __call__(self, images: Tensor, conditions: Sequence[Condition]) -> Tensor:
        """``uint8 [B,3,H,W]`` to ``float64 [B]``."""
        sources = stacked(conditions, "source", images.device)
        check_pair(self.info.name, images, sources)
        return of_each(squared_error, images, sources, edited(conditions, images.device))


class PsnrBackground(MseBackground):
    """``10 log10(1 / MSE)`` of :class:`MseBackground`, an image at a time; infinite where the background is equal."""

    info = EDITING_INFOS["psnr_background"]

    def __call__(self, images: Tensor, conditions: Sequence[Condition]) -> Tensor:
        """``uint8 [B,3,H,W]`` to ``float64 [B]``."""
        return super().__call__(images, conditions).log10().mul(-10.0)


class SsimBackground:
    """Mean of SSIM (window and constants of ``ssim``) over windows that lie wholly in the background, mean over RGB.

    A window that touches the mask would see the edit. NaN where no window is free of it.
    """

    info = EDITING_INFOS["ssim_background"]
    roles: ClassVar[tuple[str, ...]] = ("source", "mask")

    def __call__(self, images: Tensor, conditions: Sequence[Condition]) -> Tensor:
        """``uint8 [B,3,H,W]`` to ``float64 [B]``."""
        import torch

        sources = stacked(conditions, "source", images.device)
        check_pair(self.info.name, images, sources)
        if min(images.shape[-2:]) < GAUSSIAN_WINDOW:
            return torch.full((len(images),), torch.nan, dtype=torch.float64, device=images.device)
        return of_each(_ssim, images, sources, edited(conditions, images.device))


def _ssim(images: Tensor, sources: Tensor, masks: Tensor) -> Tensor:
    import torch.nn.functional as F

    touched = F.max_pool2d(masks.float(), GAUSSIAN_WINDOW, stride=1)
    free = (touched == 0).flatten(1)
    values = ssim_map(images, sources).mean(1).flatten(1)
    return nan_where((values * free).sum(1) / free.sum(1).clamp_min(1), ~free.any(1))
