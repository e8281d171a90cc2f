"""Modules and their optimiser as arrays, which a file keeps, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor, nn

Array = np.ndarray[Any, Any]
_OPTIMISER = "optimiser."


def arrays_of(modules: Mapping[str, nn.Module], optimiser: torch.optim.Optimizer) -> dict[str, Array]:
    """Every tensor that decides the steps to come, by name: ``MODULE.weight``, ``optimiser.0.exp_avg`` …"""
    found: dict[str, Tensor] = {
        f"{name}.{key}": tensor for name, module in modules.items() for key, tensor in module.state_dict().items()
    }
    for index, slots in optimiser.state_dict()["state"].items():
        found |= {f"{_OPTIMISER}{index}.{name}": tensor for name, tensor in slots.items()}
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in found.items()}


def restore(modules: Mapping[str, nn.Module], optimiser: torch.optim.Optimizer, arrays: Mapping[str, Array]) -> None:
    """Put back what :func:`arrays_of` took; arrays of other names are left alone."""
    tensors = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    for name, module in modules.items():
        module.load_state_dict(_below(f"{name}.", tensors))
    slots: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _below(_OPTIMISER, tensors).items():
        index, _, slot = name.partition(".")
        slots.setdefault(int(index), {})[slot] = tensor
    optimiser.load_state_dict({**optimiser.state_dict(), "state": slots})


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
