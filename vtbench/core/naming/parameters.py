"""What a callable takes: its parameters with their annotations resolved, one by one."""

from __future__ import annotations

import builtins
import inspect
import os
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import typing_extensions

UNKNOWN = inspect.Parameter.empty
# Names that annotations commonly use and that a module may import for type checkers only.
_COMMON: dict[str, Any] = {
    **{name: getattr(typing, name) for name in ("Any", "Literal", "Optional", "Union", "List", "Tuple", "Dict")},
    **{name: getattr(typing, name) for name in ("Sequence", "Mapping", "Iterable", "Annotated")},
    "Path": Path,
    "PathLike": os.PathLike,
    "os": os,
    "typing": typing,
}


@dataclass(frozen=True)
class Parameter:
    """One parameter.

    Attributes:
        annotation: the type; :data:`UNKNOWN` where it has none or it cannot be resolved.
        default: :data:`UNKNOWN` where a value must be given.
    """

    name: str
    annotation: Any = UNKNOWN
    default: Any = UNKNOWN


@dataclass(frozen=True)
class Parameters:
    """Everything that can be given by name.

    Attributes:
        named: parameters with a name, in order; those that ``**rest`` lists by a ``TypedDict`` among them.
        rest: stands for every other name, where there is ``**kwargs``.
    """

    signature: inspect.Signature
    named: Mapping[str, Parameter]
    rest: Parameter | None

    def find(self, name: str) -> Parameter | None:
        """The parameter that takes an argument of that name."""
        return self.named.get(name, self.rest)

    def refuse(self, args: Mapping[str, Any]) -> None:
        """Refuse a call by these names.

        Raises:
            TypeError: one is missing, or none of the callable's.
        """
        self.signature.bind(**args)
        stranger = next((name for name in args if self.find(name) is None), None)
        if stranger is not None:  # **rest takes it, and lists others
            raise TypeError(f"got an unexpected keyword argument '{stranger}'")


def parameters_of(factory: Callable[..., Any]) -> Parameters | None:
    """Of a class, function, ``functools.partial`` or model class; ``None`` where Python cannot tell (some builtins)."""
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError):
        return None
    scope = _scope(factory)
    named: dict[str, Parameter] = {}
    rest: Parameter | None = None
    for item in signature.parameters.values():
        told = Parameter(item.name, _resolved(item.annotation, scope), item.default)
        if item.kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY):
            named[item.name] = told
        elif item.kind == inspect.Parameter.VAR_KEYWORD:
            listed = _listed(told.annotation)
            rest = told if listed is None else None
            named |= listed or {}
    return Parameters(signature, named, rest)


def _listed(annotation: Any) -> dict[str, Parameter] | None:
    """The arguments that ``**rest: Unpack[Some]`` stands for, where ``Some`` is a ``TypedDict``; those that may be left
    out are ``None`` then. ``None`` for another annotation."""
    if typing_extensions.get_origin(annotation) is not typing_extensions.Unpack:
        return None
    (listing,) = typing_extensions.get_args(annotation)
    if not typing_extensions.is_typeddict(listing):
        return None
    hints = typing_extensions.get_type_hints(listing)
    needed = listing.__required_keys__
    return {name: Parameter(name, hint, UNKNOWN if name in needed else None) for name, hint in hints.items()}


def _scope(factory: Any) -> dict[str, Any]:
    """Names that an annotation of ``factory`` may use: those of the module that wrote its parameters."""
    while isinstance(factory, partial):
        factory = factory.func
    function = inspect.unwrap(factory)
    if isinstance(factory, type):
        own = (vars(base)[name] for base in factory.__mro__ for name in ("__init__", "__new__") if name in vars(base))
        function = inspect.unwrap(next((made for made in own if hasattr(made, "__globals__")), factory))
    elif not hasattr(function, "__globals__"):  # an object that is called
        function = vars(type(function)).get("__call__", function)
    module = sys.modules.get(getattr(factory, "__module__", None) or "")
    return {**_COMMON, **vars(module or SimpleNamespace()), **getattr(function, "__globals__", {})}


def _resolved(annotation: Any, scope: dict[str, Any]) -> Any:
    """An annotation that names what is not there is as good as none; what is known of a union counts all the same."""
    if annotation is UNKNOWN:
        return UNKNOWN
    holder = SimpleNamespace(__annotations__={"it": annotation})
    try:
        found = typing.get_type_hints(holder, globalns=scope, localns=_Names(scope), include_extras=True)["it"]
    except Exception:  # noqa: BLE001 - evaluating foreign annotations may fail in any way
        return UNKNOWN
    return UNKNOWN if isinstance(found, _NotThere) else found


class _NotThere(type):
    """Stands for a name that was imported for type checkers only, with whatever is looked up in it."""

    def __getattr__(cls, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls

    def __getitem__(cls, item: object) -> type:
        return cls


class _Names(dict[str, Any]):
    """Names of a module; one that is neither there nor Python's own stands for some class."""

    def __missing__(self, name: str) -> Any:
        return vars(builtins)[name] if name in vars(builtins) else _NotThere(name, (), {})
