"""The layers of I3D: an Inception-v1 whose kernels reach over time, batch norms folded into its convolutions.

TensorFlow's "same" padding is kept: where it is odd, the extra frame, row or column lies behind. Padding with zeros is
right for maxima too, since what is pooled has passed a ReLU.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FEWEST_FRAMES = 9
"""Strides of 8 in all leave two frames of these, which the last pooling takes."""
_EPSILON = 1e-3
_MIXED = {
    # outputs: 1×1; 1×1 then 3×3; 1×1 then 3×3; 1×1 behind a pooling
    "Mixed_3b": (64, 96, 128, 16, 32, 32),
    "Mixed_3c": (128, 128, 192, 32, 96, 64),
    "Mixed_4b": (192, 96, 208, 16, 48, 64),
    "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64),
    "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128),
    "Mixed_5b": (256, 160, 320, 32, 128, 128),
    "Mixed_5c": (384, 192, 384, 48, 128, 128),
}
Size = tuple[int, int, int]


class InceptionI3d(nn.Module):
    """``float32 [B,3,T,224,224]`` in [-1, 1] to logits ``[B,400]``, averaged over time."""

    def __init__(self, classes: int = 400) -> None:
        super().__init__()
        width = 192
        layers: dict[str, nn.Module] = {
            "Conv3d_1a_7x7": _Unit(3, 64, 7, stride=2),
            "MaxPool3d_2a_3x3": _MaxPool((1, 3, 3), (1, 2, 2)),
            "Conv3d_2b_1x1": _Unit(64, 64, 1),
            "Conv3d_2c_3x3": _Unit(64, width, 3),
            "MaxPool3d_3a_3x3": _MaxPool((1, 3, 3), (1, 2, 2)),
        }
        for name, outputs in _MIXED.items():
            if name == "Mixed_4b":
                layers["MaxPool3d_4a_3x3"] = _MaxPool((3, 3, 3), (2, 2, 2))
            if name == "Mixed_5b":
                layers["MaxPool3d_5a_2x2"] = _MaxPool((2, 2, 2), (2, 2, 2))
            layers[name] = _Mixed(width, outputs)
            width = outputs[0] + outputs[2] + outputs[4] + outputs[5]
        self.trunk = nn.ModuleDict(layers)
        self.Logits = nn.Conv3d(width, classes, 1)

    def forward(self, videos: Tensor) -> Tensor:
        """Logits of each video."""
        for layer in self.trunk.values():
            videos = layer(videos)
        pooled = F.avg_pool3d(videos, (2, 7, 7), stride=1)
        logits: Tensor = self.Logits(pooled)
        return logits.mean(dim=(2, 3, 4))

    @classmethod
    def filled(cls, state: Mapping[str, Tensor]) -> InceptionI3d:
        """For inference, from canonical tensors: of each unit ``weight``, and ``bias``, ``mean`` and ``var`` of its
        batch norm, which has no scale."""
        with torch.device("meta"):
            network = cls()
        network.load_state_dict(_fused(state), assign=True)
        network.eval().requires_grad_(False)
        return network


class _Unit(nn.Module):
    """Convolution with "same" padding, then ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv3d(inputs, outputs, kernel, stride, padding=0 if stride > 1 else kernel // 2)
        self._kernel, self._stride = (kernel,) * 3, (stride,) * 3

    def forward(self, videos: Tensor) -> Tensor:
        if self._stride[0] > 1:
            videos = _padded(videos, self._kernel, self._stride)
        return F.relu_(self.convolution(videos))


class _MaxPool(nn.Module):
    """Maxima with "same" padding."""

    def __init__(self, kernel: Size, stride: Size) -> None:
        super().__init__()
        self._kernel, self._stride = kernel, stride

    def forward(self, videos: Tensor) -> Tensor:
        return F.max_pool3d(_padded(videos, self._kernel, self._stride), self._kernel, self._stride)


class _Mixed(nn.Module):
    """Four branches side by side (Szegedy et al. 2015), 3×3×3 in place of 3×3 and of 5×5."""

    def __init__(self, inputs: int, outputs: tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        one, before, three, before_second, second, behind = outputs
        self.Branch_0 = nn.ModuleDict({"Conv3d_0a_1x1": _Unit(inputs, one, 1)})
        self.Branch_1 = nn.ModuleDict(
            {"Conv3d_0a_1x1": _Unit(inputs, before, 1), "Conv3d_0b_3x3": _Unit(before, three, 3)}
        )
        self.Branch_2 = nn.ModuleDict(
            {"Conv3d_0a_1x1": _Unit(inputs, before_second, 1), "Conv3d_0b_3x3": _Unit(before_second, second, 3)}
        )
        self.Branch_3 = nn.ModuleDict(
            {"pool": _MaxPool((3, 3, 3), (1, 1, 1)), "Conv3d_0b_1x1": _Unit(inputs, behind, 1)}
        )

    def forward(self, videos: Tensor) -> Tensor:
        found = []
        for branch in (self.Branch_0, self.Branch_1, self.Branch_2, self.Branch_3):
            through = videos
            for layer in branch.values():
                through = layer(through)
            found.append(through)
        return torch.cat(found, dim=1)


def _padded(videos: Tensor, kernel: Size, stride: Size) -> Tensor:
    """Zeros around time, height and width, so that each becomes its size over the stride, rounded up."""
    margins: list[int] = []
    for size, width, step in reversed(list(zip(videos.shape[2:], kernel, stride, strict=True))):
        total = max(0, (-(-size // step) - 1) * step + width - size)
        margins += [total // 2, total - total // 2]
    return F.pad(videos, margins) if any(margins) else videos


def _fused(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights and biases by this network's names, batch norms folded in, in float64 on the way."""
    fused: dict[str, Tensor] = {}
    for name, weight in state.items():
        unit, _, part = name.rpartition(".")
        if part != "weight":
            continue
        if unit == "Logits":
            fused |= {"Logits.weight": weight, "Logits.bias": state["Logits.bias"]}
            continue
        scale = (state[f"{unit}.var"].double() + _EPSILON).rsqrt()
        bias = state[f"{unit}.bias"].double() - state[f"{unit}.mean"].double() * scale
        fused[f"trunk.{unit}.convolution.weight"] = (weight.double() * scale.view(-1, 1, 1, 1, 1)).to(weight.dtype)
        fused[f"trunk.{unit}.convolution.bias"] = bias.to(weight.dtype)
    return fused
