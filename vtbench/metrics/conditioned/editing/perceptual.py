"""LPIPS of the background: what a network sees of the part that an edit should leave alone.

The edited part is taken from the source before the network looks, so that nothing of the edit reaches it through
receptive fields, while the background keeps its surroundings. Each layer's distances are then averaged over the
background, a place counting by the share of its pixels that the mask leaves black. With the edit inside its mask that
is exactly 0, and an even fault of the background weighs the same however large the mask is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from vtbench.core.contracts import Condition
from vtbench.core.threads.lanes import of_each
from vtbench.metrics.catalog.of_conditions.editing import EDITING_INFOS
from vtbench.metrics.conditioned.editing.masks import edited, nan_where, stacked
from vtbench.metrics.images.lpips import LpipsAlex, LpipsSqueeze, LpipsVgg
from vtbench.metrics.images.pixel import check_pair

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self


class LpipsAlexBackground:
    """With AlexNet. NaN where the mask covers everything, and below 31 pixels a side.

    Args:
        tensors: as of ``lpips_alex``; the asset's unless given.
    """

    info = EDITING_INFOS["lpips_alex_background"]
    required_assets: ClassVar[tuple[str, ...]] = LpipsAlex.required_assets
    roles: ClassVar[tuple[str, ...]] = ("source", "mask")
    network: ClassVar[type[LpipsAlex | LpipsVgg | LpipsSqueeze]] = LpipsAlex

    def __init__(self, tensors: Mapping[str, Tensor] | None = None) -> None:
        self._network = self.network(tensors)

    def to(self, *, device: torch.device | str) -> Self:
        """Move the network; returns itself."""
        self._network = self._network.to(device=device)
        return self

    def __call__(self, images: Tensor, conditions: Sequence[Condition]) -> Tensor:
        """``uint8 [B,3,H,W]`` to ``float64 [B]``."""
        import torch

        sources = stacked(conditions, "source", images.device)
        check_pair(self.info.name, images, sources)
        if min(images.shape[-2:]) < self._network.smallest_side:
            return torch.full((len(images),), torch.nan, dtype=torch.float64, device=images.device)
        return of_each(self._score, images, sources, edited(conditions, images.device))

    def _score(self, images: Tensor, sources: Tensor, masks: Tensor) -> Tensor:
        import torch
        import torch.nn.functional as F

        kept = (~masks).double()
        total = torch.zeros(len(images), dtype=torch.float64, device=images.device)
        for distances in self._network.layer_maps(torch.where(masks, sources, images), sources):
            weights = F.adaptive_avg_pool2d(kept, (distances.shape[-2], distances.shape[-1]))[:, 0].flatten(1)
            total += (weights * distances.flatten(1)).sum(1) / weights.sum(1)
        return nan_where(total, masks.flatten(1).all(1))


class LpipsVggBackground(LpipsAlexBackground):
    """With VGG16. NaN where the mask covers everything, and below 16 pixels a side."""

    info = EDITING_INFOS["lpips_vgg_background"]
    required_assets = LpipsVgg.required_assets
    network = LpipsVgg


class LpipsSqueezeBackground(LpipsAlexBackground):
    """With SqueezeNet 1.1, PIE-Bench's network. NaN where the mask covers everything, and below 17 pixels a side."""

    info = EDITING_INFOS["lpips_squeeze_background"]
    required_assets = LpipsSqueeze.required_assets
    network = LpipsSqueeze
