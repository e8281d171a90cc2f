"""TensorFlow's operations on torch tensors, channels last, as far as the graphs here use them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from vtbench.networks.graphs import windows
from vtbench.networks.graphs.resizing import resized

Values = tuple[Tensor, ...]
Attributes = Mapping[str, Any]
Operation = Callable[[Sequence[Tensor], Attributes], "Tensor | Values"]
_DTYPES = {
    "DT_FLOAT": torch.float32,
    "DT_HALF": torch.float32,
    "DT_INT32": torch.int32,
    "DT_INT64": torch.int32,
    "DT_BOOL": torch.bool,
}


def whole(tensor: Tensor) -> list[int]:
    """The whole numbers of a tensor of the host."""
    return [int(value) for value in tensor.flatten().tolist()]


def _alone(of: Callable[[Sequence[Tensor]], Tensor | Values]) -> Operation:
    """An operation whose attributes decide nothing."""
    return lambda given, _: of(given)


def _one(of: Callable[[Tensor], Tensor]) -> Operation:
    return lambda given, _: of(given[0])


def _two(of: Callable[[Tensor, Tensor], Tensor]) -> Operation:
    def operation(given: Sequence[Tensor], _: Attributes) -> Tensor:
        first, second = given
        if first.device != second.device:  # a constant of whole numbers, which stays on the host
            place = first.device if first.device.type != "cpu" else second.device
            first, second = first.to(place), second.to(place)
        return of(first, second)

    return operation


def _identity(given: Sequence[Tensor]) -> Tensor:
    return given[0]


def _added(given: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(given)).sum(dim=0)


def _leaky(given: Sequence[Tensor], attributes: Attributes) -> Tensor:
    return torch.nn.functional.leaky_relu(given[0], attributes.get("alpha", 0.2))


def _transposed(given: Sequence[Tensor]) -> Tensor:
    return given[0].permute(whole(given[1]))


def _reshaped(given: Sequence[Tensor]) -> Tensor:
    return given[0].reshape(whole(given[1]))


def _expanded(given: Sequence[Tensor]) -> Tensor:
    return given[0].unsqueeze(whole(given[1])[0])


def _squeezed(given: Sequence[Tensor], attributes: Attributes) -> Tensor:
    dims = attributes.get("squeeze_dims") or attributes.get("axis")
    return given[0].squeeze(tuple(dims)) if dims else given[0].squeeze()


def _joined(given: Sequence[Tensor]) -> Tensor:
    return torch.cat(list(given[:-1]), dim=whole(given[-1])[0])


def _split(given: Sequence[Tensor]) -> Values:
    return torch.split(given[0], whole(given[1]), dim=whole(given[2])[0])


def _packed(given: Sequence[Tensor], attributes: Attributes) -> Tensor:
    place = next((one.device for one in given if one.device.type != "cpu"), given[0].device)
    return torch.stack([one.to(place) for one in given], dim=attributes.get("axis", 0))


def _unpacked(given: Sequence[Tensor], attributes: Attributes) -> Values:
    return torch.unbind(given[0], dim=attributes.get("axis", 0))


def _padded(given: Sequence[Tensor]) -> Tensor:
    pairs = whole(given[1])
    fill = float(given[2]) if len(given) > 2 else 0.0
    backwards = [pairs[2 * axis + end] for axis in reversed(range(len(pairs) // 2)) for end in (0, 1)]
    return torch.nn.functional.pad(given[0], backwards, value=fill)


def _cast(given: Sequence[Tensor], attributes: Attributes) -> Tensor:
    return given[0].to(_DTYPES[attributes["DstT"]])


def _largest(given: Sequence[Tensor]) -> Tensor:
    return given[0].argmax(dim=whole(given[1])[0]).to(torch.int32)


def _mean(given: Sequence[Tensor], attributes: Attributes) -> Tensor:
    return given[0].mean(dim=tuple(whole(given[1])), keepdim=bool(attributes.get("keep_dims", False)))


def _gathered(given: Sequence[Tensor]) -> Tensor:
    axis = whole(given[2])[0] if len(given) > 2 else 0
    places = given[1].to(given[0].device, torch.int64)
    found = given[0].index_select(axis, places.flatten())
    return found.reshape(*given[0].shape[:axis], *places.shape, *given[0].shape[axis + 1 :])


def _gathered_each(given: Sequence[Tensor]) -> Tensor:
    """``[..., K]`` indices into the first K axes."""
    places = given[1].to(given[0].device, torch.int64)
    return given[0][tuple(places[..., axis] for axis in range(places.shape[-1]))]


def _from_sparse(given: Sequence[Tensor]) -> Tensor:
    places, shape, values, fill = given
    dense = torch.full(whole(shape), fill.item(), dtype=fill.dtype)
    if values.numel():
        dense[tuple(places.to(torch.int64).unbind(-1))] = values
    return dense


OPERATIONS: dict[str, Operation] = {
    "Identity": _alone(_identity),
    "Add": _two(torch.add),
    "AddV2": _two(torch.add),
    "AddN": _alone(_added),
    "Sub": _two(torch.sub),
    "Mul": _two(torch.mul),
    "RealDiv": _two(torch.true_divide),
    "FloorDiv": _two(torch.floor_divide),
    "SquaredDifference": _two(lambda first, second: (first - second).square()),
    "Sqrt": _one(torch.sqrt),
    "Sigmoid": _one(torch.sigmoid),
    "Relu": _one(torch.relu),
    "Relu6": _one(torch.nn.functional.relu6),
    "LeakyRelu": _leaky,
    "Conv2D": windows.convolution,
    "_FusedConv2D": windows.convolution,
    "DepthwiseConv2dNative": windows.depthwise,
    "FusedDepthwiseConv2dNative": windows.depthwise,
    "MaxPool": windows.largest,
    "AvgPool": windows.average,
    "Mean": _mean,
    "ArgMax": _alone(_largest),
    "Transpose": _alone(_transposed),
    "Reshape": _alone(_reshaped),
    "ExpandDims": _alone(_expanded),
    "Squeeze": _squeezed,
    "ConcatV2": _alone(_joined),
    "SplitV": _alone(_split),
    "Pack": _packed,
    "Unpack": _unpacked,
    "Pad": _alone(_padded),
    "PadV2": _alone(_padded),
    "Cast": _cast,
    "GatherV2": _alone(_gathered),
    "GatherNd": _alone(_gathered_each),
    "SparseToDense": _alone(_from_sparse),
    "ResizeBilinear": lambda given, attributes: resized(
        given[0],
        (whole(given[1])[0], whole(given[1])[1]),
        corners=bool(attributes.get("align_corners", False)),
        centres=bool(attributes.get("half_pixel_centers", False)),
    ),
}
"""What each takes is TensorFlow's: tensors in order, then attributes."""
