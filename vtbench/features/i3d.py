"""I3D on Kinetics-400, the network that FVD is defined on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from vtbench.features.i3d_layers import FEWEST_FRAMES, InceptionI3d
from vtbench.features.network import NetworkExtractor, State, asset_or
from vtbench.features.resizing import plain_bilinear

SIDE = 224
_CLASSES = 400
_FRAMES = 512
"""Worked on at once, for which the first layers take about 3 GB."""


class I3dKinetics400(NetworkExtractor):
    """Inception-v1 I3D of RGB frames (Carreira and Zisserman 2017), DeepMind's release on TF-Hub: ``logits``, 400-d.

    Videos of any size are resized frame by frame to 224×224 (PyTorch's bilinear without antialiasing, aspect ratio not
    kept, no crop) and scaled to [-1, 1]. Logits are averaged over time. The authors' first release of I3D and
    StyleGAN-V's TorchScript are other files, whose numbers differ.

    A video needs 9 frames: of fewer, nothing is left to pool over. What the network says of a video depends on their
    number, so that distances compare at one number only.

    Args:
        state: weights under the names of the asset ``i3d_kinetics400``; the asset's unless given.
    """

    features: ClassVar[tuple[str, ...]] = ("logits",)
    widths: ClassVar[Mapping[str, int]] = {"logits": _CLASSES}
    required_assets: ClassVar[tuple[str, ...]] = ("i3d_kinetics400",)

    def __init__(self, state: State | None = None) -> None:
        state, fingerprint = asset_or(state, "i3d_kinetics400")
        super().__init__(InceptionI3d.filled(state), f"i3d_kinetics400-bilinear224-{fingerprint}-float32")

    def _check(self, images: Tensor) -> None:
        if images.dtype != torch.uint8 or images.ndim != 5 or images.shape[2] != 3:
            raise ValueError(
                f"an extractor of videos takes uint8 [B,T,3,H,W], got {images.dtype} {tuple(images.shape)}"
            )
        if images.shape[1] < FEWEST_FRAMES:
            raise ValueError(f"I3D needs videos of {FEWEST_FRAMES} frames or more, these have {images.shape[1]}")

    def _at_once(self, images: Tensor) -> int:
        return _FRAMES // images.shape[1]

    def _resize(self, images: Tensor, device: torch.device) -> Tensor:
        frames = plain_bilinear(images.to(device).flatten(0, 1), SIDE)
        return frames.view(*images.shape[:2], *frames.shape[1:])

    def _forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"logits": self._network((images / 127.5 - 1.0).transpose(1, 2))}
