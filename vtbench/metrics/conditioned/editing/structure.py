"""``structure_distance``: how far an edit moves what is where, by DINO's self-similarities (Tumanyan et al. 2022).

    S(x)_ij = cos(k_i(x), k_j(x))        d(x, y) = mean over i, j of (S(x)_ij - S(y)_ij)²

with k the keys of the last layer of DINO ViT-B/8, heads side by side, of all tokens, the class token among them. Short
side 224.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from vtbench.core.contracts import Condition
from vtbench.core.threads.lanes import of_each
from vtbench.metrics.catalog.of_conditions.editing import EDITING_INFOS
from vtbench.metrics.conditioned.editing.masks import stacked
from vtbench.metrics.images.pixel import PEAK, check_pair

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self


class StructureDistance:
    """Of the whole image to the source; pixels in [0, 1], then ImageNet's mean and standard deviation.

    Resized by torch's antialiased bilinear, as torchvision resizes tensors.

    Args:
        weights: local file; see :func:`vtbench.features.dino.load_dino`.
        model: timm's network itself, instead of weights.

    Raises:
        AssetMissingError: the weights cannot be had.
    """

    info = EDITING_INFOS["structure_distance"]
    roles: ClassVar[tuple[str, ...]] = ("source",)
    scale: ClassVar[float] = PEAK
    """Levels are divided by it before the mean is subtracted."""

    def __init__(self, weights: str | None = None, model: Any = None) -> None:
        from vtbench.features.dino import load_dino

        self._model = load_dino("vitb8", weights)[0] if model is None else model

    def to(self, *, device: torch.device | str) -> Self:
        """Move the network; returns itself."""
        self._model = self._model.to(device)
        return self

    def __call__(self, images: Tensor, conditions: Sequence[Condition]) -> Tensor:
        """``uint8 [B,3,H,W]`` to ``float64 [B]``."""
        sources = stacked(conditions, "source", images.device)
        check_pair(self.info.name, images, sources)
        return of_each(self._score, images, sources)

    def _score(self, images: Tensor, sources: Tensor) -> Tensor:
        first, second = (self._similarities(one) for one in (images, sources))
        return (first - second).square().mean((1, 2))

    def _similarities(self, images: Tensor) -> Tensor:
        """``float64 [B,N,N]``."""
        import torch.nn.functional as F

        from vtbench.features.dino import SIDE, last_keys
        from vtbench.features.network import standardised

        height, width = images.shape[-2:]
        short = min(height, width)
        sides = [SIDE * height // short, SIDE * width // short]
        pixels = F.interpolate(images.float(), sides, mode="bilinear", align_corners=False, antialias=True)
        keys = F.normalize(last_keys(self._model, standardised(pixels / self.scale)).double(), dim=-1)
        return keys @ keys.transpose(1, 2)


class CompatPieStructureDistance(StructureDistance):
    """Quirk: levels from 0 to 255 enter where [0, 1] is expected, as in cure-lab/PnPInversion@07f97f4."""

    info = EDITING_INFOS["compat_pie_structure_distance"]
    scale = 1.0
