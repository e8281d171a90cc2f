"""Monocular depth by a network of transformers: DPT, Depth Anything and their like."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from vtbench.estimators.contract import MapKind, OwnMapEstimator
from vtbench.estimators.pretrained import load

if TYPE_CHECKING:
    from torch import Tensor

DPT = "Intel/dpt-large"
"""What ControlNet++'s tables of depth rest on."""


class Depth(OwnMapEstimator):
    """Inverse depth up to scale and shift, brought to the image's size by bicubic interpolation, as the library does.

    The network must give inverse depth, as DPT and Depth Anything do; one of metric depth gives distances.

    Args:
        model: folder that ``save_pretrained`` wrote, or ``owner/name`` on the hub.
        revision: branch, tag or commit on the hub.

    Raises:
        AssetMissingError: transformers or the files cannot be had.
        AdapterError: they are of another kind of network, or do not fit it.
    """

    gives: ClassVar[MapKind] = "depth"

    def __init__(self, model: str = DPT, revision: str | None = None) -> None:
        self._loaded = load("depth", ("MODEL_FOR_DEPTH_ESTIMATION_MAPPING",), model, revision)
        super().__init__(f"depth-{self._loaded.identity}", self._loaded.network)

    def _estimate(self, images: Tensor) -> Tensor:
        import torch.nn.functional as F

        depth = self._loaded.run(self._network, images).predicted_depth
        resized = F.interpolate(depth[:, None], images.shape[-2:], mode="bicubic", align_corners=False)
        return resized[:, 0]
