"""Graph models of TensorFlow.js: ``model.json`` and its file of weights, to arrays and a description of the graph.

Nothing is executed. Weights are float32, int32, bool or uint8 as they are; float16, uint8 and uint16 with a scale and a
minimum are those of float32 numbers, which they become.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from vtbench.core.errors import VtbenchError
from vtbench.core.outside.parsing import boundary, parse_json

if TYPE_CHECKING:
    Arrays = dict[str, np.ndarray[Any, Any]]

GRAPH = "graph.json"
"""Name of the array ``uint8 [N]`` that holds the description, JSON in UTF-8; see :func:`graph_arrays`."""
WEIGHT = "weight/"
"""What the name of a constant is preceded by."""
_PLAIN = {"float32": "<f4", "int32": "<i4", "uint8": "u1", "bool": "u1"}
_PACKED = {"float16": "<f2", "uint8": "u1", "uint16": "<u2"}


def graph_arrays(model: bytes, weights: bytes, label: str) -> Arrays:
    """Arrays of a graph model: :data:`GRAPH`, and each constant under :data:`WEIGHT` and its name.

    The description is ``{"nodes": [[name, operation, [inputs], {attribute: value}], …], "inputs": […],
    "outputs": […]}``; an input is ``name`` or ``name:k``, the k-th output of a node.

    Args:
        model: content of ``model.json``.
        weights: content of the one file that its manifest names.
        label: what messages call it.

    Raises:
        VtbenchError: no graph model, or weights that are not as the manifest says.
    """
    with boundary(f"{label} is no graph model"):
        content = parse_json(model.decode("utf-8"), label)
        topology, (group,) = content["modelTopology"], content["weightsManifest"]
        described = {
            "nodes": [_node(node) for node in topology["node"]],
            "inputs": [_port(name) for name in content["signature"]["inputs"]],
            "outputs": [_port(name) for name in content["signature"]["outputs"]],
        }
        text = json.dumps(described, sort_keys=True, separators=(",", ":"), allow_nan=False)
        arrays = {GRAPH: np.frombuffer(text.encode("utf-8"), dtype=np.uint8).copy()}
        place = 0
        for entry in group["weights"]:
            array, place = _weight(entry, weights, place)
            arrays[WEIGHT + str(entry["name"])] = array
    if place != len(weights):
        raise VtbenchError(f"{label}: {len(weights)} bytes of weights, where its manifest names {place}")
    return arrays


def _node(node: Mapping[str, Any]) -> list[Any]:
    attributes = {str(name): _attribute(value) for name, value in node.get("attr", {}).items() if "tensor" not in value}
    inputs = [str(one) for one in node.get("input", ()) if not one.startswith("^")]  # ^: an order, no value
    return [str(node["name"]), str(node["op"]), inputs, attributes]


def _attribute(value: Mapping[str, Any]) -> Any:
    """A value of TensorFlow's own JSON, where whole numbers are texts and texts are base64."""
    ((kind, held),) = value.items()
    if kind == "list":
        return [_scalar(of, one) for of, many in held.items() for one in many]
    if kind == "shape":
        return [int(one["size"]) for one in held.get("dim", ())]
    return _scalar(kind, held)


def _scalar(kind: str, held: Any) -> Any:
    if kind == "s":
        return base64.b64decode(held, validate=True).decode("utf-8")
    if kind == "i":
        return int(held)
    if kind == "f":
        return float(held)
    return bool(held) if kind == "b" else str(held)


def _port(name: str) -> str:
    """``NAME`` of ``NAME:0``, which is how the first output of a node is called elsewhere."""
    return name.removesuffix(":0")


def _weight(entry: Mapping[str, Any], data: bytes, place: int) -> tuple[np.ndarray[Any, Any], int]:
    packing = entry.get("quantization")
    kind = _PLAIN[entry["dtype"]] if packing is None else _PACKED[packing["dtype"]]
    shape = tuple(int(side) for side in entry["shape"])
    if any(side < 0 for side in shape):
        raise ValueError(f"{entry['name']} has a side below 0")
    count = math.prod(shape)
    end = place + count * np.dtype(kind).itemsize
    if end > len(data):
        raise ValueError(f"the weights end within {entry['name']}")
    stored = np.frombuffer(data, dtype=kind, count=count, offset=place).reshape(shape)
    if packing is not None:
        stored = stored.astype(np.float32)
        if packing["dtype"] != "float16":
            stored = stored * np.float32(packing["scale"]) + np.float32(packing["min"])
    return np.array(stored, dtype=bool if entry["dtype"] == "bool" else None, order="C"), end
