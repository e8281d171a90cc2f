"""VGG16 up to its last convolution, with the ImageNet weights that LPIPS is built on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from vtbench.features.network import NetworkExtractor, State, asset_or, frozen, standardised
from vtbench.features.resizing import antialiased_bicubic

SIDE = 224
_LAYERS = 30
"""Of torchvision's ``features``: everything up to relu5_3; the max pool after it is left out."""


class Vgg16(NetworkExtractor):
    """VGG16 (Simonyan and Zisserman 2015): ``pool``, relu5_3 averaged over its 14×14 positions, 512-d.

    The whole image is resized to 224×224 (antialiased bicubic, aspect ratio not kept, no crop), scaled to [0, 1] and
    normalised with ImageNet's mean and standard deviation, as torchvision's weights expect.

    Args:
        state: weights under torchvision's names ``features.<i>.weight`` and ``.bias`` (others are not read); the asset
            ``lpips_vgg`` unless given.
    """

    features: ClassVar[tuple[str, ...]] = ("pool",)
    widths: ClassVar[Mapping[str, int]] = {"pool": 512}
    required_assets: ClassVar[tuple[str, ...]] = ("lpips_vgg",)

    def __init__(self, state: State | None = None) -> None:
        state, fingerprint = asset_or(state, "lpips_vgg")
        super().__init__(_network(state), f"vgg16-bicubic224-{fingerprint}-float32")

    def _resize(self, images: Tensor, device: torch.device) -> Tensor:
        return antialiased_bicubic(images.to(device), SIDE)

    def _forward(self, images: Tensor) -> dict[str, Tensor]:
        normalised = standardised(images / 255.0).contiguous(memory_format=torch.channels_last)
        maps: Tensor = self._network(normalised)
        return {"pool": maps.mean(dim=(2, 3))}


def _network(state: State) -> nn.Module:
    from torchvision.models import vgg16

    # Built without memory: only the convolutions are given any, and the classifier's 500 MB never are.
    with torch.device("meta"):
        layers = vgg16(weights=None).features[:_LAYERS]
    layers.load_state_dict(
        {name.removeprefix("features."): tensor for name, tensor in state.items() if name.startswith("features.")},
        assign=True,
    )
    return frozen(layers)
