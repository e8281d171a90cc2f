"""Operations over windows: convolutions and pooling, channels last, with TensorFlow's padding and fused steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vtbench.core.errors import VtbenchError

_AFTER = {"Relu": torch.relu, "Relu6": F.relu6, "Sigmoid": torch.sigmoid, "Elu": F.elu, "Tanh": torch.tanh}


def convolution(given: Sequence[Tensor], attributes: Mapping[str, Any]) -> Tensor:
    """``[B,H,W,C]`` and a kernel ``[h,w,C,D]`` to ``[B,H',W',D]``."""
    kernel = given[1].permute(3, 2, 0, 1)
    return _convolved(given, kernel, attributes, groups=1)


def depthwise(given: Sequence[Tensor], attributes: Mapping[str, Any]) -> Tensor:
    """``[B,H,W,C]`` and a kernel ``[h,w,C,M]`` to ``[B,H',W',C·M]``: every channel by itself."""
    height, width, channels, times = given[1].shape
    kernel = given[1].permute(2, 3, 0, 1).reshape(channels * times, 1, height, width)
    return _convolved(given, kernel, attributes, groups=channels)


def largest(given: Sequence[Tensor], attributes: Mapping[str, Any]) -> Tensor:
    """The largest value of each window."""
    window, steps = attributes["ksize"][1:3], attributes["strides"][1:3]
    padded = F.pad(_first(given[0]), _padding(given[0], window, steps, (1, 1), attributes), value=-torch.inf)
    return _last(F.max_pool2d(padded, window, steps))


def average(given: Sequence[Tensor], attributes: Mapping[str, Any]) -> Tensor:
    """The mean of each window; what lies outside the image does not count."""
    window, steps = attributes["ksize"][1:3], attributes["strides"][1:3]
    padding = _padding(given[0], window, steps, (1, 1), attributes)
    there = F.pad(torch.ones_like(given[0][:1, :, :, :1].permute(0, 3, 1, 2)), padding)
    total = F.avg_pool2d(F.pad(_first(given[0]), padding), window, steps)
    return _last(total / F.avg_pool2d(there, window, steps))


def _convolved(given: Sequence[Tensor], kernel: Tensor, attributes: Mapping[str, Any], groups: int) -> Tensor:
    steps, apart = attributes["strides"][1:3], (attributes.get("dilations") or [1, 1, 1, 1])[1:3]
    padding = _padding(given[0], list(kernel.shape[-2:]), steps, apart, attributes)
    fused = list(attributes.get("fused_ops") or ())
    bias = given[2] if fused[:1] == ["BiasAdd"] else None
    unknown = [one for one in fused[bias is not None :] if one not in _AFTER]
    if unknown:
        raise VtbenchError(f"a convolution followed by {', '.join(unknown)} is not known here")
    found = F.conv2d(F.pad(_first(given[0]), padding), kernel, bias, steps, dilation=apart, groups=groups)
    for one in fused[bias is not None :]:
        found = _AFTER[one](found)
    return _last(found)


def _padding(
    images: Tensor, window: Sequence[int], steps: Sequence[int], apart: Sequence[int], attributes: Mapping[str, Any]
) -> list[int]:
    """Left, right, above, below. ``SAME``: of an odd number the extra pixel comes after."""
    if attributes.get("data_format", "NHWC") != "NHWC" or attributes["padding"] not in ("SAME", "VALID"):
        raise VtbenchError(f"windows of {attributes.get('data_format')}, {attributes['padding']} are not known here")
    if attributes["padding"] == "VALID":
        return [0, 0, 0, 0]
    ends: list[int] = []
    for axis in (1, 0):
        length, reach = images.shape[1 + axis], (window[axis] - 1) * apart[axis] + 1
        missing = max((-(-length // steps[axis]) - 1) * steps[axis] + reach - length, 0)
        ends += [missing // 2, missing - missing // 2]
    return ends


def _first(images: Tensor) -> Tensor:
    return images.permute(0, 3, 1, 2)


def _last(images: Tensor) -> Tensor:
    return images.permute(0, 2, 3, 1)
