"""Semantic segmentation by a network of transformers: Mask2Former, UperNet, SegFormer and their like."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from vtbench.estimators.contract import MapKind, OwnMapEstimator
from vtbench.estimators.pretrained import load

if TYPE_CHECKING:
    from torch import Tensor


class Segmentation(OwnMapEstimator):
    """A class a pixel, at the image's size, as the library's own processor reads it off the network.

    Attributes:
        labels: names of the classes, by number.

    Args:
        model: folder that ``save_pretrained`` wrote, or ``owner/name`` on the hub
            (``facebook/mask2former-swin-large-ade-semantic``).
        revision: branch, tag or commit on the hub.

    Raises:
        AssetMissingError: transformers or the files cannot be had.
        AdapterError: they are of another kind of network, or do not fit it.
    """

    gives: ClassVar[MapKind] = "labels"

    def __init__(self, model: str, revision: str | None = None) -> None:
        mappings = ("MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING", "MODEL_FOR_UNIVERSAL_SEGMENTATION_MAPPING")
        self._loaded = load("segmentation", mappings, model, revision)
        super().__init__(f"segmentation-{self._loaded.identity}", self._loaded.network)
        named = self._loaded.network.config.id2label
        self.labels = tuple(str(named[number]) for number in sorted(named))

    def _estimate(self, images: Tensor) -> Tensor:
        import torch

        outputs = self._loaded.run(self._network, images)
        sizes = [tuple(images.shape[-2:])] * len(images)
        found = self._loaded.processor.post_process_semantic_segmentation(outputs, target_sizes=sizes)
        return torch.stack([labels.long() for labels in found]).to(images.device)
