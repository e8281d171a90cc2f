"""Small graph models, written as TensorFlow.js writes them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vtbench.assets.graph_files import graph_arrays
from vtbench.networks.graphs.network import GraphNetwork

Weight = tuple[str, Any, Mapping[str, Any] | None]
"""Name, array as it is stored, and how it was packed."""


def text(value: str) -> dict[str, str]:
    return {"s": base64.b64encode(value.encode()).decode()}


def numbers(*values: int) -> dict[str, Any]:
    return {"list": {"i": [str(value) for value in values]}}


def node(name: str, operation: str, inputs: Sequence[str] = (), **attributes: Any) -> dict[str, Any]:
    return {"name": name, "op": operation, "input": list(inputs), "attr": attributes}


def written(
    nodes: Sequence[Mapping[str, Any]], weights: Sequence[Weight], outputs: Sequence[str]
) -> tuple[bytes, bytes]:
    """``model.json`` and its weights."""
    constants = [node(name, "Const") for name, _, _ in weights]
    entries = [
        {
            "name": name,
            "shape": list(array.shape),
            "dtype": "float32" if packing else str(array.dtype),
            **({"quantization": packing} if packing else {}),
        }
        for name, array, packing in weights
    ]
    given = node("x", "Placeholder", dtype={"type": "DT_FLOAT"})
    model = {
        "format": "graph-model",
        "signature": {"inputs": {"x:0": {}}, "outputs": {f"{name}:0": {} for name in outputs}},
        "modelTopology": {"node": [*nodes, *constants, given]},
        "weightsManifest": [{"paths": ["w.bin"], "weights": entries}],
    }
    return json.dumps(model).encode(), b"".join(array.tobytes() for _, array, _ in weights)


def network(nodes: Sequence[Mapping[str, Any]], weights: Sequence[Weight], outputs: Sequence[str]) -> GraphNetwork:
    arrays = graph_arrays(*written(nodes, weights, outputs), "small")
    return GraphNetwork({name: torch.from_numpy(array) for name, array in arrays.items()}, "small")


def whole(name: str, *values: int) -> Weight:
    return name, np.array(values, dtype=np.int32), None


def computed(x: Tensor, nodes: Sequence[Mapping[str, Any]], weights: Sequence[Weight] = ()) -> Tensor:
    """What the last node makes of ``x``."""
    last = str(nodes[-1]["name"])
    return network(nodes, weights, [last])({"x": x})[last]
