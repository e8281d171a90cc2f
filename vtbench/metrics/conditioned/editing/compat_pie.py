"""PIE-Bench's background metrics as its script computes them: blackened outside, averaged over the whole frame.

cure-lab/PnPInversion@07f97f4: both images are multiplied by one minus the mask and scored as a whole. Pixels inside the
mask are then equal, and count as perfect: the larger the mask, the better the value. The right ones are in
``background`` and ``perceptual`` beside this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from vtbench.core.contracts import Condition
from vtbench.metrics.catalog.of_conditions.editing import EDITING_INFOS
from vtbench.metrics.conditioned.editing.masks import edited, nan_where, stacked
from vtbench.metrics.images.lpips import LpipsSqueeze
from vtbench.metrics.images.pixel import PEAK, check_pair, mean_squared_error, scored
from vtbench.metrics.images.ssim import reflected_ssim

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self


class CompatPieMse:
    """Mean squared error of the blackened images over the whole frame, levels in [0, 1]. NaN where nothing is left."""

    info = EDITING_INFOS["compat_pie_mse_background"]
    roles: ClassVar[tuple[str, ...]] = ("source", "mask")

    def __call__(self, images: Tensor, conditions: Sequence[Condition]) -> Tensor:
        """``uint8 [B,3,H,W]`` to ``float64 [B]``."""
        sources = stacked(conditions, "source", images.device)
        check_pair(self.info.name, images, sources)
        masks = edited(conditions, images.device)
        return nan_where(self._score(images * ~masks, sources * ~masks), masks.flatten(1).all(1))

    def _score(self, images: Tensor, sources: Tensor) -> Tensor:
        return scored(mean_squared_error, images, sources) / PEAK**2


class CompatPiePsnr(CompatPieMse):
    """``10 log10(1 / MSE)`` of :class:`CompatPieMse`."""

    info = EDITING_INFOS["compat_pie_psnr_background"]

    def _score(self, images: Tensor, sources: Tensor) -> Tensor:
        return super()._score(images, sources).log10().mul(-10.0)


class CompatPieSsim(CompatPieMse):
    """Gaussian SSIM of the blackened images over the whole frame, edges reflected, as torchmetrics 1.9 has it.

    The script pins no version: older ones leave out five pixels at each edge.
    """

    info = EDITING_INFOS["compat_pie_ssim_background"]

    def _score(self, images: Tensor, sources: Tensor) -> Tensor:
        return reflected_ssim(images, sources, PEAK)


class CompatPieLpips(CompatPieMse):
    """LPIPS with SqueezeNet of the blackened images over the whole frame. NaN below 17 pixels a side.

    Args:
        tensors: of the asset ``lpips_squeeze``, unless it shall be read.
    """

    info = EDITING_INFOS["compat_pie_lpips_background"]
    required_assets: ClassVar[tuple[str, ...]] = LpipsSqueeze.required_assets

    def __init__(self, tensors: Mapping[str, Tensor] | None = None) -> None:
        self._network = LpipsSqueeze(tensors)

    def to(self, *, device: torch.device | str) -> Self:
        """Move the network; returns itself."""
        self._network = self._network.to(device=device)
        return self

    def _score(self, images: Tensor, sources: Tensor) -> Tensor:
        return self._network(images, sources)
