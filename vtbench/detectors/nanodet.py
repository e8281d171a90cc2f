"""NanoDet-g at 416 pixels: a small detector of COCO's classes that is at hand without a model hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from vtbench import assets
from vtbench.detectors.contract import Detections
from vtbench.detectors.one_at_a_time import OneAtATime
from vtbench.networks.graphs.network import GraphNetwork

ASSET = "nanodet_g_416"
SIDE = 416
MEAN, STD = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)
"""Of blue, green and red, in levels."""
_STRIDES = (8, 16, 32)
_BINS = 8 + 3
_LEAST_SCORE, _MOST_OVERLAP, _MOST = 0.05, 0.6, 100
_SCORES = ("Identity", "Identity_1", "Identity_2")
_SIDES = ("Identity_3", "Identity_4", "Identity_5")


class Nanodet(OneAtATime[Detections]):
    """NanoDet-g, 416×416 (RangiLyu/nanodet), from vladmandic's graph model of it.

    The image is stretched to 416×416 (bilinear, no antialiasing), channels in the order blue, green, red. A cell of
    stride 8, 16 or 32 gives 80 scores, and for each side of a box a distribution over 0 to 10 strides, whose mean is
    the distance from the cell's centre. Per class, boxes that overlap a surer one by more than 0.6 are dropped, and at
    most 100 an image stay, as in the authors' configuration. There are no masks.

    A detector of this size misses much that GenEval's own finds, and scores of 0.9 are out of its reach: on photographs
    of scikit-image a person has 0.74, a motorcycle 0.79, a cup 0.53. Good for ranks among images that differ much.

    Args:
        tensors: of the asset ``nanodet_g_416``, which is used unless given.
    """

    required_assets: ClassVar[tuple[str, ...]] = (ASSET,)

    def __init__(self, tensors: Mapping[str, Tensor] | None = None) -> None:
        network = GraphNetwork(assets.load_tensors(ASSET) if tensors is None else tensors, ASSET).eval()
        super().__init__(network, self._found)
        self.id = f"nanodet-g-416-{assets.fingerprint(ASSET)[:12] if tensors is None else 'given'}-float32"

    def __call__(self, images: Tensor) -> list[Detections]:
        """``uint8 [B,3,H,W]`` to objects, the surest first."""
        return self.each(images)

    def _found(self, image: Tensor) -> Detections:
        """Of one image, ``uint8 [1,3,H,W]``."""
        outputs = self._network({"input_1": _prepared(image)})
        scores = torch.cat([outputs[name][0] for name in _SCORES])
        boxes = torch.cat([_boxes(outputs[name][0], stride) for name, stride in zip(_SIDES, _STRIDES, strict=True)])
        height, width = image.shape[-2:]
        boxes = boxes * boxes.new_tensor([width / SIDE, height / SIDE] * 2)
        return _chosen(boxes.cpu(), scores.cpu())


def _prepared(image: Tensor) -> Tensor:
    stretched = F.interpolate(image.float(), (SIDE, SIDE), mode="bilinear", align_corners=False).flip(1)
    mean, std = (stretched.new_tensor(values)[:, None, None] for values in (MEAN, STD))
    return (stretched - mean) / std


def _boxes(sides: Tensor, stride: int) -> Tensor:
    """``[n,44]`` distributions of left, top, right and bottom to ``[n,4]`` corners, in pixels of the input."""
    cells = torch.arange(SIDE // stride, dtype=torch.float32, device=sides.device)
    y, x = torch.meshgrid((cells + 0.5) * stride, (cells + 0.5) * stride, indexing="ij")
    bins = torch.arange(_BINS, dtype=torch.float32, device=sides.device)
    far = (sides.reshape(-1, 4, _BINS).softmax(dim=-1) * bins).sum(dim=-1) * stride
    centre = torch.stack([x.flatten(), y.flatten()], dim=-1)
    return torch.cat([centre - far[:, :2], centre + far[:, 2:]], dim=-1).clamp(0, SIDE)


def _chosen(boxes: Tensor, scores: Tensor) -> Detections:
    """Class by class without those that cover a surer one: ``[n,4]`` and ``[n,80]``."""
    from torchvision.ops import batched_nms

    places, classes = (scores > _LEAST_SCORE).nonzero(as_tuple=True)
    own = scores[places, classes]
    kept = batched_nms(boxes[places], own, classes, _MOST_OVERLAP)[:_MOST]
    return Detections(boxes[places[kept]].double().numpy(), own[kept].double().numpy(), classes[kept].numpy())
