"""Computes a graph on torch, node by node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from vtbench.assets.graph_files import GRAPH, WEIGHT
from vtbench.core.errors import VtbenchError
from vtbench.networks.graphs.operations import OPERATIONS, Values
from vtbench.networks.graphs.topology import Graph, Node, read_graph

_GIVEN = ("Placeholder", "Const")


class GraphNetwork(nn.Module):
    """A graph model of TensorFlow.js, on torch.

    Constants that are whole numbers (axes, shapes) stay on the host, and what follows from them alone is computed once;
    the others are buffers. Tensors keep TensorFlow's order, channels last.

    Args:
        tensors: of :func:`vtbench.assets.graph_files.graph_arrays`.
        label: what messages call it.

    Attributes:
        inputs: names of the graph's inputs.
        outputs: names of its outputs.

    Raises:
        VtbenchError: a broken description, an operation that is not known, or a constant that is missing.
    """

    def __init__(self, tensors: Mapping[str, Tensor], label: str) -> None:
        super().__init__()
        self._graph: Graph = read_graph(bytes(tensors[GRAPH].tolist()).decode("utf-8"), label)
        self.inputs, self.outputs = self._graph.inputs, self._graph.outputs
        unknown = sorted({one.operation for one in self._graph.nodes} - {*OPERATIONS, *_GIVEN})
        if unknown:
            raise VtbenchError(f"{label}: operations {', '.join(unknown)} are not known here")
        self._host: dict[str, Values] = {}
        self._buffer_of: dict[str, str] = {}
        for node in self._graph.nodes:
            self._place(node, tensors, label)

    def _place(self, node: Node, tensors: Mapping[str, Tensor], label: str) -> None:
        """A constant where it belongs, or what follows from whole numbers alone."""
        if node.operation == "Const":
            if WEIGHT + node.name not in tensors:
                raise VtbenchError(f"{label}: the constant {node.name} is missing")
            held = tensors[WEIGHT + node.name]
            if not held.is_floating_point():
                self._host[node.name] = (held,)
                return
            self._buffer_of[node.name] = f"constant{len(self._buffer_of)}"
            self.register_buffer(self._buffer_of[node.name], held.clone())
        elif node.inputs and all(port.node in self._host for port in node.inputs):
            self._host[node.name] = _computed(node, self._host)

    def forward(self, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Inputs by name to outputs by name.

        Raises:
            ValueError: an input is missing, or has another shape than the graph states.
        """
        known: dict[str, Values] = dict(self._host)
        known |= {name: (getattr(self, buffer),) for name, buffer in self._buffer_of.items()}
        left = Counter(port.node for node in self._graph.nodes for port in node.inputs)
        left.update(self.outputs)
        for node in self._graph.nodes:
            if node.name in known:
                continue
            known[node.name] = (_input(node, given),) if node.operation == "Placeholder" else _computed(node, known)
            for port in node.inputs:
                left[port.node] -= 1
                if left[port.node] == 0 and port.node not in self._host:
                    known.pop(port.node)  # nothing asks for it any more
        return {name: known[name][0] for name in self.outputs}


def _computed(node: Node, known: Mapping[str, Values]) -> Values:
    found = OPERATIONS[node.operation]([known[port.node][port.place] for port in node.inputs], node.attributes)
    return (found,) if isinstance(found, Tensor) else found


def _input(node: Node, given: Mapping[str, Tensor]) -> Tensor:
    if node.name not in given:
        raise ValueError(f"the graph needs {node.name}")
    found, stated = given[node.name], node.attributes.get("shape")
    if stated and list(found.shape) != stated:
        raise ValueError(f"{node.name} is {list(found.shape)}, the graph states {stated}")
    return found.to(torch.float32) if node.attributes.get("dtype") == "DT_FLOAT" else found
