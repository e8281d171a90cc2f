"""Convolutions as a CPU wants them: weights in the order that its kernels read, activations in the same pass.

torch brings the weights of a convolution into that order at every call, which takes a fifth of the time of Inception on
one image. oneDNN's operators behind torch's compiler take weights that were ordered once, and a ReLU with them. The
order is that of the kernel for one size of input; with another it may be a hundred times slower, so it is for networks
behind a resize. Numbers agree with torch's own convolution to float32 rounding, often to the bit.
"""

from __future__ import annotations

import platform
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Activation = Literal["none", "relu", "relu6"]
_ATTRIBUTES: dict[Activation, tuple[str, list[float]]] = {
    "none": ("none", []), "relu": ("relu", []), "relu6": ("hardtanh", [0.0, 6.0]),
}  # fmt: skip
_PROCESSORS = ("x86_64", "amd64")


class PackedConvolution(nn.Module):
    """A frozen convolution and the activation behind it; ``float32 [B,C,H,W]`` to ``[B,C',H',W']`` in channels_last.

    On other devices than a CPU, and without oneDNN, it is the layers it was made of. Weights are ordered again for
    inputs of another size than the ones before.

    Args:
        layer: zero-padded by numbers alone; its weights change no more.
        activation: applied to what it gives.
    """

    def __init__(self, layer: nn.Conv2d, activation: Activation = "none") -> None:
        super().__init__()
        self.layer, self._activation = layer, activation
        self._where: tuple[Any, ...] = (list(layer.padding), list(layer.stride), list(layer.dilation), layer.groups)
        self._attribute, self._bounds = _ATTRIBUTES[activation]
        self._available = _is_available()
        self._packed: tuple[torch.Size, Tensor] | None = None

    def forward(self, images: Tensor) -> Tensor:
        """The convolution, then the activation."""
        if images.device.type != "cpu" or not self._available:
            return self._plain(images)
        images, weight = images.contiguous(memory_format=torch.channels_last), self._weight(images.shape)
        found: Tensor = torch.ops.mkldnn._convolution_pointwise.default(
            images, weight, self.layer.bias, *self._where, self._attribute, self._bounds, ""
        )
        return found

    def _weight(self, size: torch.Size) -> Tensor:
        packed = self._packed
        if packed is None or packed[0] != size:  # lanes may come here at once: they find the same
            weight = torch.ops.mkldnn._reorder_convolution_weight(self.layer.weight, *self._where, list(size))
            packed = self._packed = (size, weight)
        return packed[1]

    def _plain(self, images: Tensor) -> Tensor:
        found: Tensor = self.layer(images)
        if self._activation == "none":
            return found
        return F.relu_(found) if self._activation == "relu" else F.relu6(found, inplace=True)


def _is_available() -> bool:
    operators = torch.ops.mkldnn
    return (
        platform.machine().lower() in _PROCESSORS
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and hasattr(operators, "_convolution_pointwise")
    )
