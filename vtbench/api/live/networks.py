"""The networks behind a model: in its attributes, in what a function closes over, and in the globals it names."""

from __future__ import annotations

import functools
import inspect
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from types import CodeType, FunctionType, MethodType
from typing import Any

import torch
from torch import nn

_DEEPEST = 8
_MOST_VALUES, _MOST_PARTS = 20_000, 1_000
_CALLED = ("encode", "decode", "reconstruct", "sample", "sample_codes", "sample_each")
_PLAIN = (str, bytes, int, float, complex, type(None), type, torch.Tensor)
_PROXIES = (weakref.ProxyType, weakref.CallableProxyType)
"""What stands for an object that somebody else holds; it passes for one of that object's class."""


def reached_networks(model: object) -> list[nn.Module]:
    """Every ``torch.nn.Module`` that a model or a function holds, in the order met; none twice, no part of another.

    Looked through are attributes, slots, containers, partial functions, methods, closures, and the globals that a
    function names. No property is run.
    """
    found: list[nn.Module] = []
    seen: set[int] = set()
    called = [getattr(model, name) for name in _CALLED if hasattr(model, name)]
    waiting: deque[tuple[Any, int]] = deque((value, 0) for value in (model, *called))
    while waiting and len(seen) < _MOST_VALUES:
        value, depth = waiting.popleft()
        if type(value) in _PROXIES or isinstance(value, _PLAIN) or id(value) in seen or inspect.ismodule(value):
            continue
        seen.add(id(value))
        if isinstance(value, nn.Module):
            found.append(value)
        if depth < _DEEPEST:
            waiting.extend((part, depth + 1) for part in islice(_parts(value), _MOST_PARTS))
    return _wholes(found)


def home_of(networks: list[nn.Module]) -> tuple[torch.device, torch.dtype] | None:
    """Where the first parameter lies, and its dtype; ``None`` where there are none."""
    for network in networks:
        for parameter in network.parameters():
            if parameter.is_floating_point():
                return parameter.device, parameter.dtype
    return None


def _wholes(networks: list[nn.Module]) -> list[nn.Module]:
    """Without those that are parts of another one."""
    parts = {id(part) for network in networks for part in network.modules() if part is not network}
    return [network for network in networks if id(network) not in parts]


def _parts(value: Any) -> Iterator[Any]:
    for kind, parts in _OPENED.items():
        if isinstance(value, kind):
            yield from parts(value)
            return
    if inspect.isbuiltin(value):
        return
    held = dict(getattr(value, "__dict__", {}))
    held.pop("_modules", None)  # a network's own parts are its own business
    yield from held.values()
    for name in {name for kind in type(value).__mro__ for name in _slots(kind)}:
        yield getattr(value, name, None)
    call = getattr(type(value), "__call__", None)  # noqa: B004 - the function itself is looked into
    if isinstance(call, FunctionType) and not isinstance(value, nn.Module):
        yield call


def _of_function(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            continue
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    yield getattr(function, "__wrapped__", None)
    for name in _names(function.__code__):
        held = function.__globals__.get(name)
        # Another module's classes and libraries named there are not this model's.
        if isinstance(held, nn.Module | FunctionType | MethodType | functools.partial) or _is_own_object(held):
            yield held


def _is_own_object(value: Any) -> bool:
    """An object of a class of the user's, which may hold a network."""
    return hasattr(value, "__dict__") and not isinstance(value, type) and not inspect.isroutine(value)


def _names(code: CodeType) -> Iterator[str]:
    """Names that a function uses, those of functions written inside it too."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _slots(kind: type) -> tuple[str, ...]:
    found = kind.__dict__.get("__slots__", ())
    names = (found,) if isinstance(found, str) else tuple(found)
    return tuple(name for name in names if name not in ("__dict__", "__weakref__"))


_OPENED: dict[type | tuple[type, ...], Callable[[Any], Iterator[Any]]] = {
    dict: lambda value: iter(value.values()),
    (list, tuple, set, frozenset): iter,
    functools.partial: lambda value: iter((value.func, value.args, value.keywords)),
    MethodType: lambda value: iter((value.__func__, value.__self__)),
    FunctionType: _of_function,
}
