"""Graph models against torch and against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.unit.networks.graphs.graph_cases import computed, network, node, numbers, text, whole, written
from vtbench.assets.graph_files import GRAPH, graph_arrays
from vtbench.core.errors import VtbenchError
from vtbench.networks.graphs.network import GraphNetwork

ARRAY = np.arange(12, dtype=np.float32).reshape(3, 4) / 8


def test_weights_are_read_as_they_were_packed() -> None:
    levels = np.array([0, 128, 255], dtype=np.uint8)
    weights = [
        ("plain", ARRAY, None),
        ("half", ARRAY.astype(np.float16), {"dtype": "float16"}),
        ("levels", levels, {"dtype": "uint8", "scale": 0.5, "min": -3.0}),
        whole("count", 7),
        ("none", np.zeros((0, 2), dtype=np.int32), None),
    ]
    found = graph_arrays(*written([node("y", "Identity", ["x"])], weights, ["y"]), "small")
    np.testing.assert_array_equal(found["weight/plain"], ARRAY)
    np.testing.assert_array_equal(found["weight/half"], ARRAY)
    assert found["weight/half"].dtype == found["weight/levels"].dtype == np.float32
    np.testing.assert_array_equal(found["weight/levels"], [-3.0, 61.0, 124.5])
    assert found["weight/count"].tolist() == [7] and found["weight/none"].shape == (0, 2)
    assert b'"Identity"' in found[GRAPH].tobytes()


def test_files_that_do_not_fit_are_refused() -> None:
    model, weights = written([node("y", "Identity", ["w"])], [("w", ARRAY, None)], ["y"])
    with pytest.raises(VtbenchError, match="the weights end within w"):
        graph_arrays(model, weights[:-1], "small")
    with pytest.raises(VtbenchError, match="49 bytes of weights, where its manifest names 48"):
        graph_arrays(model, weights + b"x", "small")
    for broken in (b"{", b"[]", b"{}", model.replace(b'"shape": [3, 4]', b'"shape": [-3, -4]')):
        with pytest.raises(VtbenchError, match=r"no graph model|is not JSON"):
            graph_arrays(broken, weights, "small")


def test_nodes_may_come_in_any_order_and_are_refused_in_a_circle() -> None:
    nodes = [node("c", "AddV2", ["b", "w"]), node("b", "Mul", ["x", "w", "^c0"]), node("unused", "Strange", ["x"])]
    x = torch.tensor([2.0])
    assert network(nodes, [("w", np.float32([3.0]), None)], ["c"])({"x": x})["c"].tolist() == [9.0]
    circle = [node("a", "Identity", ["b"]), node("b", "Identity", ["a"])]
    with pytest.raises(VtbenchError, match="waits for itself"):
        network(circle, [], ["a"])
    with pytest.raises(VtbenchError, match="no node gone"):
        network([node("a", "Identity", ["gone"])], [], ["a"])
    with pytest.raises(VtbenchError, match="operations Strange are not known"):
        network(nodes, [], ["unused"])
    with pytest.raises(ValueError, match="needs x"):
        network(nodes, [("w", np.float32([3.0]), None)], ["c"])({})


def test_same_padding_puts_the_extra_pixel_after() -> None:
    kernel = np.ones((2, 2, 1, 1), dtype=np.float32)
    same = {"padding": text("SAME"), "strides": numbers(1, 2, 2, 1), "data_format": text("NHWC")}
    x = torch.arange(9.0).reshape(1, 3, 3, 1)
    found = computed(x, [node("y", "Conv2D", ["x", "k"], **same)], [("k", kernel, None)])
    assert found.flatten().tolist() == [0 + 1 + 3 + 4, 2 + 5, 6 + 7, 8]


def test_convolutions_are_those_of_torch() -> None:
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(1, 7, 9, 4, generator=draw)
    kernel, bias = torch.randn(3, 3, 4, 5, generator=draw), torch.randn(5, generator=draw)
    plain = {"padding": text("VALID"), "strides": numbers(1, 2, 1, 1), "dilations": numbers(1, 1, 2, 1)}
    fused = {**plain, "fused_ops": {"list": {"s": [text("BiasAdd")["s"], text("Relu6")["s"]]}}}
    weights = [("k", kernel.numpy(), None), ("b", bias.numpy(), None)]
    found = computed(x, [node("y", "_FusedConv2D", ["x", "k", "b"], **fused)], weights)
    wanted = F.conv2d(x.permute(0, 3, 1, 2), kernel.permute(3, 2, 0, 1), bias, (2, 1), dilation=(1, 2)).clamp(0, 6)
    torch.testing.assert_close(found, wanted.permute(0, 2, 3, 1))
    each = torch.randn(3, 3, 4, 2, generator=draw)
    found = computed(x, [node("y", "DepthwiseConv2dNative", ["x", "k"], **plain)], [("k", each.numpy(), None)])
    for channel in range(4):
        one = F.conv2d(
            x[..., channel].unsqueeze(1), each[:, :, channel].permute(2, 0, 1).unsqueeze(1), None, (2, 1), 0, (1, 2)
        )
        torch.testing.assert_close(found[..., 2 * channel : 2 * channel + 2], one.permute(0, 2, 3, 1))
    strange = {**plain, "fused_ops": {"list": {"s": [text("Swish")["s"]]}}}
    with pytest.raises(VtbenchError, match="followed by Swish"):
        computed(x, [node("y", "_FusedConv2D", ["x", "k"], **strange)], weights[:1])


def test_pooling_does_not_count_what_lies_outside() -> None:
    window = {"ksize": numbers(1, 2, 2, 1), "strides": numbers(1, 2, 2, 1), "padding": text("SAME")}
    x = -torch.arange(1.0, 10.0).reshape(1, 3, 3, 1)
    assert computed(x, [node("y", "MaxPool", ["x"], **window)]).flatten().tolist() == [-1, -3, -7, -9]
    assert computed(x, [node("y", "AvgPool", ["x"], **window)]).flatten().tolist() == [-3, -4.5, -7.5, -9]


@pytest.mark.parametrize(
    ("corners", "centres", "wanted"),
    [
        (True, False, [0, 1, 2, 3]),
        (False, True, [0, 0.625, 1.375, 2.125, 2.875, 3]),
        (False, False, [0, 2 / 3, 4 / 3, 2, 8 / 3, 3]),
    ],
)
def test_the_three_rules_of_resizing(corners: bool, centres: bool, wanted: list[float]) -> None:
    x = torch.arange(4.0).reshape(1, 4, 1, 1)
    rules = {"align_corners": {"b": corners}, "half_pixel_centers": {"b": centres}}
    new = len(wanted) if not corners else 4
    found = computed(x, [node("y", "ResizeBilinear", ["x", "size"], **rules)], [whole("size", new, 1)]).flatten()
    if centres:
        wanted = F.interpolate(x.permute(0, 3, 1, 2), (new, 1), mode="bilinear", align_corners=False).flatten().tolist()
    assert found.tolist() == pytest.approx(wanted, abs=1e-6)


def test_shapes_indices_and_arithmetic() -> None:
    x = torch.arange(12.0).reshape(3, 4)
    nodes = [
        node("t", "Transpose", ["x", "swap"]),  # [4,3]
        node("s", "SplitV", ["t", "sizes", "zero"]),  # [1,3], [3,3]
        node("r", "Reshape", ["s:1", "flat"]),  # [9]
        node("shape", "SparseToDense", ["where", "three", "value", "fill"]),  # [9, 9, 2], of the host alone
        node("p", "PadV2", ["r", "ends", "minus"]),  # [11]
        node("e", "ExpandDims", ["p", "zero"]),
        node("u", "Squeeze", ["e"], squeeze_dims=numbers(0)),
        node("a", "ArgMax", ["u", "zero"]),
        node("k", "Pack", ["a", "a"], axis={"i": "0"}),
        node("f", "FloorDiv", ["k", "four"]),
        node("g", "GatherV2", ["u", "f", "zero"]),
        node("c", "Cast", ["shape"], DstT={"type": "DT_FLOAT"}),
        node("j", "ConcatV2", ["g", "c", "zero"]),
    ]
    weights = [whole("swap", 1, 0), whole("sizes", 1, 3), ("zero", np.int32(0).reshape(()), None), whole("flat", -1)]
    weights += [("where", np.array([[2]], dtype=np.int32), None), whole("three", 3), whole("value", 2)]
    weights += [("fill", np.array(9, dtype=np.int32), None), ("ends", np.array([[1, 1]], dtype=np.int32), None)]
    weights += [("minus", np.array(-1, dtype=np.float32), None), ("four", np.array(4, dtype=np.int32), None)]
    padded = [-1.0, 1, 5, 9, 2, 6, 10, 3, 7, 11, -1]
    assert computed(x, nodes, weights).tolist() == [padded[9 // 4], padded[9 // 4], 9, 9, 2]
    pairs = [node("y", "GatherNd", ["x", "at"])]
    assert computed(x, pairs, [("at", np.array([[0, 3], [2, 1]], dtype=np.int32), None)]).tolist() == [3, 9]
    rows = [node("i", "Unpack", ["x"], axis={"i": "0"}), node("y", "SquaredDifference", ["i:2", "i"])]
    assert computed(x, rows).tolist() == [64] * 4
    mean = [node("y", "Mean", ["x", "axes"], keep_dims={"b": True})]
    assert computed(x, mean, [whole("axes", 0)]).tolist() == [[4, 5, 6, 7]]
    steps = [
        node("l", "LeakyRelu", ["d"], alpha={"f": 0.1}),
        node("d", "Sub", ["x", "w"]),
        node("y", "AddN", ["l", "x"]),
    ]
    assert computed(x[:, :1], steps, [("w", np.float32([5]), None)]).flatten().tolist() == pytest.approx(
        [-0.5, 3.9, 11]
    )


def test_inputs_have_the_stated_shape() -> None:
    arrays = graph_arrays(*written([node("y", "Identity", ["x"])], [], ["y"]), "small")
    stated = arrays[GRAPH].tobytes().replace(b'{"dtype":"DT_FLOAT"}', b'{"dtype":"DT_FLOAT","shape":[1,2]}')
    small = GraphNetwork({GRAPH: torch.frombuffer(bytearray(stated), dtype=torch.uint8)}, "small")
    assert small({"x": torch.ones(1, 2)})["y"].shape == (1, 2)
    with pytest.raises(ValueError, match=r"x is \[1, 3\], the graph states \[1, 2\]"):
        small({"x": torch.ones(1, 3)})
