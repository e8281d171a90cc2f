"""A live model is lent: its networks come back in their modes, with their gradients' switches, where they lay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class _Place:
    """One parameter or buffer of a module: the object, and the memory behind it and behind its gradient."""

    module: nn.Module
    name: str
    tensor: Tensor
    memory: Tensor
    gradient: Tensor | None
    gradient_memory: Tensor | None

    def give_back(self) -> None:
        held: dict[str, Any] = (
            self.module._parameters if isinstance(self.tensor, nn.Parameter) else self.module._buffers
        )
        if held.get(self.name) is not self.tensor:
            held[self.name] = self.tensor
        if not _is_same(self.tensor, self.memory):
            self.tensor.data = self.memory
        if self.gradient is None or self.gradient_memory is None:
            return
        if not _is_same(self.gradient, self.gradient_memory):
            self.gradient.data = self.gradient_memory
        if self.tensor.grad is not self.gradient:
            self.tensor.grad = self.gradient


@contextmanager
def lent(networks: Sequence[nn.Module]) -> Iterator[None]:
    """Run the body with every network in evaluation mode; afterwards each sub-module has its own mode again, each
    parameter its ``requires_grad``, and every tensor its memory, device and dtype, exceptions included.

    Memory is the same, not a copy of it: what shares it (an optimizer, a bucket of gradients) still does.
    """
    modes = [(part, part.training) for network in networks for part in network.modules()]
    switches = [(one, one.requires_grad) for network in networks for one in network.parameters()]
    places = [place for network in networks for place in _places(network)]
    try:
        for network in networks:
            if any(part.training for part in network.modules()):
                network.eval()
        yield
    finally:
        for place in places:
            place.give_back()
        for parameter, needed in switches:
            if parameter.requires_grad != needed:
                parameter.requires_grad_(needed)
        _restore_modes(networks, modes)


def _places(network: nn.Module) -> Iterator[_Place]:
    for module in network.modules():
        own: list[tuple[str, Any]] = [*module._parameters.items(), *module._buffers.items()]
        for name, tensor in own:
            if tensor is not None:
                gradient = tensor.grad if tensor.is_leaf else None
                yield _Place(module, name, tensor, tensor.data, gradient, None if gradient is None else gradient.data)


def _is_same(tensor: Tensor, memory: Tensor) -> bool:
    if tensor.device != memory.device or tensor.dtype != memory.dtype:
        return False
    return tensor.device.type == "meta" or tensor.untyped_storage().data_ptr() == memory.untyped_storage().data_ptr()


def _restore_modes(networks: Sequence[nn.Module], modes: Sequence[tuple[nn.Module, bool]]) -> None:
    """``train()`` may do more than set a flag (weights merged for inference); the flags are exact after it."""
    before = {id(part): training for part, training in modes}
    for network in networks:
        root = before[id(network)]
        if any(part.training != before.get(id(part), part.training) for part in network.modules()):
            network.train(root)
    for part, training in modes:
        part.training = training
