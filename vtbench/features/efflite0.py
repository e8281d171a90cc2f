"""EfficientNet-Lite0: an ImageNet classifier whose weights come with the package index, the default offline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from vtbench.features.network import NetworkExtractor, State, asset_or, frozen, fuse_batch_norm
from vtbench.features.packed import Activation, PackedConvolution
from vtbench.features.resizing import antialiased_bicubic

SIDE = 224
_LINEAR = "_project_conv"
"""What has no activation behind it."""
_PAIRS = (
    ("_conv_stem", "_bn0"),
    ("_expand_conv", "_bn0"),
    ("_depthwise_conv", "_bn1"),
    ("_project_conv", "_bn2"),
    ("_conv_head", "_bn1"),
)


class EfficientNetLite0(NetworkExtractor):
    """EfficientNet-Lite0 on ImageNet-1k (Tan and Le 2019): ``pool`` 1280-d, ``logits`` 1000-d.

    The whole image is resized to 224×224 (antialiased bicubic, aspect ratio not kept, no crop) and normalised as
    ``(x - 127) / 128``, the rule the weights were trained with. The code is the package efficientnet-lite-pytorch's.

    Args:
        state: weights under that package's names; the asset ``efflite0`` unless given.
    """

    features: ClassVar[tuple[str, ...]] = ("pool", "logits")
    widths: ClassVar[Mapping[str, int]] = {"pool": 1280, "logits": 1000}
    required_assets: ClassVar[tuple[str, ...]] = ("efflite0",)

    def __init__(self, state: State | None = None) -> None:
        state, fingerprint = asset_or(state, "efflite0")
        super().__init__(_network(state), f"efflite0-bicubic224-{fingerprint}-float32")

    def _resize(self, images: Tensor, device: torch.device) -> Tensor:
        return antialiased_bicubic(images.to(device), SIDE)

    def _forward(self, images: Tensor) -> dict[str, Tensor]:
        normalised = ((images - 127.0) / 128.0).contiguous(memory_format=torch.channels_last)
        maps: Tensor = self._network.extract_features(normalised)  # type: ignore[operator]
        pooled = maps.mean(dim=(2, 3))
        return {"pool": pooled, "logits": cast(nn.Module, self._network._fc)(pooled)}


def _network(state: State) -> nn.Module:
    from efficientnet_lite_pytorch import EfficientNet

    network: nn.Module = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(dict(state))
    _pack(fuse_batch_norm(network.eval(), _PAIRS))
    return frozen(network)


def _pack(network: nn.Module) -> None:
    """Replace each convolution, and take the ReLU6 that follows all but those that end a block along."""
    for part in list(network.modules()):
        for name, layer in list(part.named_children()):
            if isinstance(layer, nn.Conv2d):
                setattr(part, name, _packed(layer, "none" if name == _LINEAR else "relu6"))
        if hasattr(part, "_swish"):
            part._swish = nn.Identity()


def _packed(layer: nn.Conv2d, activation: Activation) -> nn.Module:
    """The package pads before a convolution, on one side more where the stride asks for it."""
    around: Any = layer.static_padding
    left, right, top, bottom = getattr(around, "padding", (0, 0, 0, 0))
    kernel, stride = (cast(Any, sides) for sides in (layer.kernel_size, layer.stride))
    plain = nn.Conv2d(layer.in_channels, layer.out_channels, kernel, stride, groups=layer.groups)
    plain.weight, plain.bias = layer.weight, layer.bias
    if (left, top) == (right, bottom):
        plain.padding = (top, left)
        return PackedConvolution(plain, activation)
    return nn.Sequential(around, PackedConvolution(plain, activation))
