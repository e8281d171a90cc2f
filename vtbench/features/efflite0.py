"""EfficientNet-Lite0: an ImageNet classifier whose weights come with the package index, the default offline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from vtbench.features.network import NetworkExtractor, State, asset_or, frozen, fuse_batch_norm
from vtbench.features.packed import Activation, PackedConvolution
from vtbench.features.resizing import antialiased_bicubic

SIDE = 224
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
        pooled, logits = self._network(normalised)
        return {"pool": pooled, "logits": logits}


class _Network(nn.Module):
    """The package's network for inference, in fewer calls: what lanes do at once, they do outside the interpreter."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        stem, head = _packed(network._conv_stem, "relu6"), _packed(network._conv_head, "relu6")
        self.maps = nn.Sequential(stem, *map(_Block, network._blocks), head)
        self.classifier = network._fc

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """``[B,1280]`` and ``[B,1000]``."""
        pooled = self.maps(images).mean(dim=(2, 3))
        return pooled, self.classifier(pooled)


class _Block(nn.Module):
    """Sandler et al. 2018: expand, convolve by channel, project; added to the input where both are of one shape."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        names = [name for name in ("_expand_conv", "_depthwise_conv") if hasattr(block, name)]
        layers = [_packed(getattr(block, name), "relu6") for name in names]
        self.layers = nn.Sequential(*layers, _packed(block._project_conv, "none"))
        told = block._block_args
        self._adds = bool(told.id_skip and told.stride in (1, [1]) and told.input_filters == told.output_filters)

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = self.layers(images)
        return found.add_(images) if self._adds else found


def _packed(layer: Any, activation: Activation) -> nn.Module:
    """The package pads before a convolution, on one side more where the stride asks for it."""
    left, right, top, bottom = getattr(layer.static_padding, "padding", (0, 0, 0, 0))
    plain = nn.Conv2d(
        layer.in_channels, layer.out_channels, layer.kernel_size, tuple(layer.stride), groups=layer.groups
    )
    plain.weight, plain.bias = layer.weight, layer.bias
    if (left, top) == (right, bottom):
        plain.padding = (top, left)
        return PackedConvolution(plain, activation)
    return nn.Sequential(layer.static_padding, PackedConvolution(plain, activation))


def _network(state: State) -> nn.Module:
    from efficientnet_lite_pytorch import EfficientNet

    network: nn.Module = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(dict(state))
    return frozen(_Network(fuse_batch_norm(network.eval(), _PAIRS)))
