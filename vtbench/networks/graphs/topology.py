"""A graph as frozen data: its nodes in an order in which they can be computed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vtbench.core.errors import VtbenchError
from vtbench.core.outside.parsing import boundary


@dataclass(frozen=True)
class Port:
    """One output of a node."""

    node: str
    place: int = 0


@dataclass(frozen=True, eq=False)
class Node:
    """One operation.

    Attributes:
        operation: TensorFlow's name of it.
        inputs: in its order.
        attributes: numbers, texts and lists of them.
    """

    name: str
    operation: str
    inputs: tuple[Port, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in an order in which each comes after its inputs; those that no output needs are left out."""

    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def read_graph(text: str, label: str) -> Graph:
    """From the description of :func:`vtbench.assets.graph_files.graph_arrays`.

    Raises:
        VtbenchError: it is none, a node's input is missing, or nodes wait for one another.
    """
    with boundary(f"{label} is no description of a graph"):
        content = json.loads(text)
        nodes = {
            name: Node(name, operation, tuple(map(_port, inputs)), attributes)
            for name, operation, inputs, attributes in content["nodes"]
        }
        inputs, outputs = tuple(map(str, content["inputs"])), tuple(map(str, content["outputs"]))
    return Graph(tuple(_in_order(nodes, outputs, label)), inputs, outputs)


def _port(text: str) -> Port:
    name, _, place = text.rpartition(":")
    return Port(name, int(place)) if name and place.isdigit() else Port(text)


def _in_order(nodes: Mapping[str, Node], outputs: Sequence[str], label: str) -> list[Node]:
    """Depth first from the outputs, without recursion."""
    done: dict[str, Node] = {}
    open_now: set[str] = set()
    waiting = [(name, False) for name in reversed(outputs)]
    while waiting:
        name, entered = waiting.pop()
        if name in done:
            continue
        if name not in nodes:
            raise VtbenchError(f"{label}: no node {name}, which another needs")
        if entered:
            done[name] = nodes[name]
            open_now.discard(name)
            continue
        if name in open_now:
            raise VtbenchError(f"{label}: node {name} waits for itself")
        open_now.add(name)
        waiting.append((name, True))
        waiting += [(port.node, False) for port in reversed(nodes[name].inputs) if port.node not in done]
    return list(done.values())
