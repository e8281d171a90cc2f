"""From the arguments of a reference to those of the call: the parameter's annotation decides what a value is."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from typing import Any, Optional

from vtbench.core.disk.files import expand_user
from vtbench.core.errors import UsageError
from vtbench.core.naming.conversion import ConversionError, convert, plain
from vtbench.core.naming.parameters import UNKNOWN, Parameter, Parameters, parameters_of
from vtbench.core.naming.reference import NAME, Reference
from vtbench.core.naming.values import Given

_PLACES = ("path", "file", "folder", "dir", "directory", "root", "checkpoint")
# A switch or a mapping may have one of these names too, so they say where a path may be, not that text is meant.
_PERHAPS = ("weights", "config", "work", "annotations", "statistics", "reference")
_TEXTS = (NAME, "revision")


def bind(
    factory: Callable[..., Any], reference: Reference, kind: str, optional: Collection[str] = (), **extra: Any
) -> dict[str, Any]:
    """The keyword arguments with which ``factory`` is called.

    Args:
        factory: a class or function.
        reference: its arguments, as they were given.
        kind: the singular word used in messages, e.g. ``"tokenizer"``.
        optional: arguments that are dropped where the factory has no parameter of that name.
        extra: added where the factory takes them and the reference does not give them.

    Raises:
        UsageError: an argument that the factory does not take, a missing one, or a value that is not of its type.
    """
    parameters = parameters_of(factory)
    if parameters is None:
        return dict(reference.args)
    if NAME in optional:
        _ = reference.name  # an empty one is refused, whoever takes it
    kept = reference.without(key for key in optional if key not in parameters.named)
    added = {key: value for key, value in extra.items() if key in parameters.named and key not in kept.args}
    _check_names(parameters, {**kept.args, **added}, reference.target, kind)
    return {key: _value(parameters.find(key), kept, key, kind) for key in kept.args} | added


def recorded(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments as a record holds them."""
    return {key: plain(value) for key, value in arguments.items()}


def is_place(name: str) -> bool:
    """Whether a parameter of that name holds a path: ``path``, ``checkpoint``, ``image_folder`` …"""
    last = name.lower().rsplit("_", 1)[-1]
    return last in _PLACES or last.removesuffix("s") in _PLACES


def _value(parameter: Parameter | None, reference: Reference, key: str, kind: str) -> Any:
    given = reference.given(key)
    annotation = UNKNOWN if parameter is None else parameter.annotation
    path = is_place(key) or key in _PERHAPS
    _refuse_nowhere(parameter, reference, key, kind)
    if annotation is UNKNOWN:
        return _unannotated(key, given, path)
    if parameter is not None and parameter.default is None:  # ``size: int = None``, as older code writes it
        annotation = Optional[annotation]  # noqa: UP045 - the annotation may be any object
    try:
        return convert(annotation, given, path)
    except ConversionError as error:
        came = repr(given.value) if given.text is None else given.text
        raise UsageError(f"{kind} {reference.target}: {key}={came}", f"{key} takes {error}") from error


def _refuse_nowhere(parameter: Parameter | None, reference: Reference, key: str, kind: str) -> None:
    """An empty path would be the current folder: it is what a shell variable that is not set leaves."""
    value = reference.args[key]
    default = None if parameter is None else parameter.default
    is_default = isinstance(default, str) and default == value
    if is_place(key) and isinstance(value, str) and not value.strip() and not is_default:
        hint = f"write {key}=. for the current folder" + ("" if default is UNKNOWN else ", or leave it out")
        raise UsageError(f"{kind} {reference.target}: {key} is empty", hint)


def _unannotated(key: str, given: Given, path: bool) -> Any:
    """What YAML reads, except that a path, a name and a revision are text whatever their characters."""
    is_text = is_place(key) or key in _TEXTS
    value = given.text if is_text and isinstance(given.value, (bool, int, float)) and given.text else given.value
    return expand_user(value) if path and isinstance(value, str) else value


def _check_names(parameters: Parameters, args: dict[str, Any], target: str, kind: str) -> None:
    try:
        parameters.refuse(args)
    except TypeError as error:
        accepted = list(parameters.named)
        hint = f"{target} takes: {', '.join(accepted) or 'no arguments'}"
        for key in args:
            close = [] if key in accepted else difflib.get_close_matches(key, accepted, n=1)
            hint += f"; did you mean {close[0]}?" if close else ""
        raise UsageError(f"{kind} {target!r}: {error}", hint) from error
