"""MoveNet lightning: 17 key points of the one person of an image, at hand without a model hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from vtbench import assets
from vtbench.detectors.one_at_a_time import OneAtATime
from vtbench.networks.graphs.network import GraphNetwork

ASSET = "movenet_lightning"
SIDE = 192
KEY_POINTS = (
    *("nose", "left eye", "right eye", "left ear", "right ear", "left shoulder", "right shoulder"),
    *("left elbow", "right elbow", "left wrist", "right wrist", "left hip", "right hip"),
    *("left knee", "right knee", "left ankle", "right ankle"),
)
"""In the order of COCO, and of the rows."""


class MoveNet(OneAtATime[Tensor]):
    """MoveNet single-pose lightning, version 4 of TF-Hub, from vladmandic's graph model of it.

    The image is scaled to 192 pixels a side, aspect ratio kept (bilinear, antialiased, rounded to levels), and padded
    with black below and on the right where it is not square; its grey values are otherwise as they are. One person an
    image: of several, the one that the network takes for the most central.

    Args:
        tensors: of the asset ``movenet_lightning``, which is used unless given.
    """

    required_assets: ClassVar[tuple[str, ...]] = (ASSET,)

    def __init__(self, tensors: Mapping[str, Tensor] | None = None) -> None:
        network = GraphNetwork(assets.load_tensors(ASSET) if tensors is None else tensors, ASSET).eval()
        super().__init__(network, self._found)
        self.id = f"movenet-lightning-192-{assets.fingerprint(ASSET)[:12] if tensors is None else 'given'}-float32"

    def __call__(self, images: Tensor) -> Tensor:
        """``uint8 [B,3,H,W]`` to ``float32 [B,17,3]``: ``x``, ``y`` in pixels of the image, and a score in [0, 1]."""
        found = self.each(images)
        return torch.cat(found) if found else torch.empty(0, len(KEY_POINTS), 3)

    def _found(self, image: Tensor) -> Tensor:
        """Of one image, ``uint8 [1,3,H,W]``."""
        longest = max(image.shape[-2:])
        height, width = (max(1, round(side * SIDE / longest)) for side in image.shape[-2:])
        small = F.interpolate(image.float(), (height, width), mode="bilinear", antialias=True, align_corners=False)
        padded = F.pad(small.round().clamp(0, 255), (0, SIDE - width, 0, SIDE - height))
        rows = self._network({"input": padded.permute(0, 2, 3, 1).to(torch.int32)})["Identity"][:, 0]
        y, x, score = rows.unbind(dim=-1)
        return torch.stack([x * longest, y * longest, score], dim=-1)
