"""``lpips_diversity``: how much the images made from one prompt differ from one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from vtbench.core.contracts import Condition
from vtbench.metrics.catalog.conditioned import CONDITION_INFOS
from vtbench.metrics.images.lpips import LpipsAlex

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self


class LpipsDiversity:
    """Mean LPIPS (AlexNet) over all pairs of images that were made from one prompt; then over prompts. Higher is more
    diverse. As DIV of ARBooth (jiwoogit/ARBooth@febf8f4).

    The value of an image is its mean distance to the others of its prompt: their mean is that over pairs.

    Args:
        tensors: as of ``lpips_alex``.
    """

    info = CONDITION_INFOS["lpips_diversity"]
    required_assets: ClassVar[tuple[str, ...]] = LpipsAlex.required_assets
    of_groups: ClassVar[bool] = True

    def __init__(self, tensors: Mapping[str, Tensor] | None = None) -> None:
        self._distance = LpipsAlex(tensors)

    def to(self, *, device: torch.device | str) -> Self:
        """Move the network; returns itself."""
        self._distance = self._distance.to(device=device)
        return self

    def __call__(self, images: Tensor, conditions: Sequence[Condition]) -> Tensor:
        """``uint8 [B,3,H,W]``, all of one prompt, to ``float64 [B]``; NaN of one alone, and of small ones."""
        import torch

        del conditions
        count = len(images)
        if count < 2:
            return torch.full((count,), torch.nan, dtype=torch.float64, device=images.device)
        one, other = torch.triu_indices(count, count, offset=1, device=images.device)
        distances = self._distance(images[one], images[other])
        total = torch.zeros(count, dtype=torch.float64, device=images.device)
        return total.index_add(0, one, distances).index_add(0, other, distances) / (count - 1)
