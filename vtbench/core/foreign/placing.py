"""A model on its device and in evaluation mode, the same for ``run`` and for ``doctor``."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from vtbench.core.errors import AdapterError, UsageError
from vtbench.core.foreign.guard import making

if TYPE_CHECKING:
    import torch

_DEEPEST = 3
_MOST_VALUES = 10_000


def place(model: Any, device: torch.device, dtype: torch.dtype, *, lent: bool = False) -> Any:
    """Move a model that can be moved; its networks, wherever it keeps them, are in evaluation mode.

    Args:
        model: not placed yet.
        device: where it is to run.
        dtype: its arithmetic.
        lent: it is somebody's own, who has put its networks in evaluation mode and puts everything back: it is moved
            only where it is not there already, and nothing else of it is touched.

    Raises:
        UsageError: a dtype other than float32 for a model that cannot be moved.
        ForeignCodeError: moving it raised.
    """
    import torch

    if lent and _is_there(model, device, dtype):
        return model
    with making(f"{model.info.name} cannot be put on {device}"):
        placed, takes_dtype = _moved(model, device, dtype, lent)
        for _, network in () if lent else networks_of(placed):
            network.eval().requires_grad_(False)
    if dtype != torch.float32 and not takes_dtype:
        raise UsageError(f"{model.info.name} runs in float32 only", "leave --dtype out, or give it to(device=, dtype=)")
    return placed


def refuse_training(model: Any) -> None:
    """After a first call: a network that was loaded by that call, and not before, may still be in training mode.

    Raises:
        AdapterError: it is, and has layers that behave otherwise then (dropout, batch norm).
    """
    import torch.nn.modules as layers

    moody = (layers.dropout._DropoutNd, layers.batchnorm._BatchNorm)
    for name, network in networks_of(model):
        for part in network.modules():
            if part.training and isinstance(part, moody):
                raise AdapterError(
                    f"{model.info.name}: its network {name} is in training mode ({type(part).__name__})",
                    "call .eval() on it where it is loaded, or load it in the constructor",
                )


def networks_of(model: Any) -> Iterator[tuple[str, Any]]:
    """Every ``torch.nn.Module`` in a model's attributes, and theirs, by the name of where it is; none twice."""
    import torch

    seen: set[int] = set()
    waiting = [("it", model, 0)]
    while waiting and len(seen) < _MOST_VALUES:
        name, value, depth = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, torch.nn.Module):
            yield name, value
        if depth <= _DEEPEST:
            waiting += [(key, part, depth + 1) for key, part in _parts(value) if not isinstance(part, _PLAIN)]


_PLAIN = (str, bytes, int, float, complex, type(None), type)


def _parts(value: Any) -> list[tuple[str, Any]]:
    """What lies in a container or in an object's attributes, as it is: no property is run."""
    if isinstance(value, dict):
        return [(str(key), part) for key, part in value.items()]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [(str(index), part) for index, part in enumerate(value)]
    if inspect.ismodule(value) or inspect.isroutine(value):
        return []
    slots = [name for kind in type(value).__mro__ for name in _slots(kind)]
    held = dict(getattr(value, "__dict__", {}))
    held.pop("_modules", None)  # a network's own parts are its own business
    return [*held.items(), *((name, getattr(value, name, None)) for name in slots)]


def _slots(kind: type) -> tuple[str, ...]:
    found = kind.__dict__.get("__slots__", ())
    names = (found,) if isinstance(found, str) else tuple(found)
    return tuple(name for name in names if name not in ("__dict__", "__weakref__"))


def _is_there(model: Any, device: torch.device, dtype: torch.dtype) -> bool:
    """Whether the model has networks, and each lies on that device in that dtype."""
    values = [value for _, network in networks_of(model) for value in network.parameters() if value.is_floating_point()]
    return bool(values) and all(value.device == device and value.dtype == dtype for value in values)


def _moved(model: Any, device: torch.device, dtype: torch.dtype, lent: bool) -> tuple[Any, bool]:
    """The model where it belongs, and whether it was told of the dtype."""
    import torch

    if isinstance(model, torch.nn.Module) and not lent:
        model = model.eval().requires_grad_(False)
    if not hasattr(model, "to"):
        return model, False
    accepted = inspect.signature(model.to).parameters
    takes_any = any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in accepted.values())
    if takes_any or "dtype" in accepted:
        return model.to(device=device, dtype=dtype) or model, True
    return model.to(device=device) or model, False
