"""A value becomes what the parameter's annotation asks for, or is refused in words."""

from __future__ import annotations

import collections.abc
import difflib
import os
import sys
import types
import typing
from collections.abc import Mapping
from enum import Enum
from pathlib import Path, PurePath
from typing import Any, Literal, Union

from vtbench.core.disk.files import expand_user
from vtbench.core.naming.parameters import UNKNOWN
from vtbench.core.naming.values import Given, read_scalar

_LISTS = (list, tuple, set, frozenset, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_NUMBERS = (bool, int, float)


class ConversionError(ValueError):
    """The value is not of the type; the message says what would be."""


def convert(annotation: Any, given: Given, path: bool = False) -> Any:
    """The value that a parameter of that annotation is given.

    Text is taken as it was typed, whatever YAML reads in it; numbers, truth values and lists are what YAML reads. In a
    union the reading is taken where its type is a member, else the text where text is. Where nothing is known of the
    type, the reading is taken.

    Args:
        annotation: a type as ``typing`` resolves it.
        given: the value and its text.
        path: text is a path: a leading ``~`` is the home folder.

    Raises:
        ConversionError: the value is none of the type's.
    """
    annotation = _bare(annotation)
    origin = typing.get_origin(annotation) or annotation
    if origin in (Union, types.UnionType):
        return _union(typing.get_args(annotation), given, path)
    if origin is Literal:
        return _literal(typing.get_args(annotation), given)
    if annotation in (None, type(None)):
        return _only(_is_none(given), None, annotation)
    if origin in _NUMBERS:
        return _number(origin, given)
    if _is_text(annotation):
        return _text(annotation, given, path)
    if origin in _LISTS:
        return _list(annotation, origin, given, path)
    if origin in _MAPPINGS:
        return _mapping(annotation, given, path)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _member(annotation, given)
    return expand_user(given.value) if path and isinstance(given.value, str) else given.value


def describe(annotation: Any) -> str:
    """The type in words: ``int``, ``text or None``, ``one of 'a', 'b'``."""
    annotation = _bare(annotation)
    origin, inner = typing.get_origin(annotation) or annotation, typing.get_args(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(describe(member) for member in inner)
    if origin is Literal:
        return f"one of {', '.join(map(repr, inner))}" if len(inner) > 1 else repr(inner[0])
    if origin in _LISTS:
        of = [item for item in inner if item is not Ellipsis]
        return f"a list of {', '.join(map(describe, of))}" if of else "a list"
    if origin in _MAPPINGS:
        return "a mapping"
    if annotation in (None, type(None)):
        return "None"
    if annotation is str:
        return "text"
    if _is_text(annotation):
        return "a path"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return f"one of {', '.join(str(item.value) for item in annotation)}"
    names = {bool: "true or false", int: "a whole number", float: "a number"}
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)))


def plain(value: Any) -> Any:
    """The value as JSON holds it, for records and digests."""
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return sorted((plain(item) for item in value), key=repr) if isinstance(value, set | frozenset) else value


def _bare(annotation: Any) -> Any:
    """Without ``Annotated`` and ``NewType``; a type variable or ``object`` says nothing."""
    while True:
        if typing.get_origin(annotation) is typing.Annotated:
            annotation = typing.get_args(annotation)[0]
        elif hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        else:
            break
    return UNKNOWN if annotation in (Any, object) or isinstance(annotation, typing.TypeVar) else annotation


def _reading(given: Given) -> Any:
    """What YAML reads, in quoted text too: ``quality='50'`` is the number where a number is asked for."""
    return read_scalar(given.value) if isinstance(given.value, str) else given.value


def _is_none(given: Given) -> bool:
    """``null`` as YAML writes it, or ``None`` as Python does."""
    return _reading(given) is None or (given.text == "None" and not given.quoted)


def _only(holds: bool, value: Any, annotation: Any) -> Any:
    if not holds:
        raise ConversionError(describe(annotation))
    return value


def _is_text(annotation: Any) -> bool:
    origin = typing.get_origin(annotation) or annotation
    is_class = isinstance(origin, type) and not issubclass(origin, Enum)
    return is_class and (issubclass(origin, (str, PurePath)) or origin is os.PathLike)


def _text(annotation: Any, given: Given, path: bool) -> Any:
    if isinstance(given.value, PurePath):
        return given.value if annotation is not str else str(given.value)
    if given.text is None:  # never typed: a number in a YAML file, where text could have been written
        raise ConversionError(describe(annotation))
    origin = typing.get_origin(annotation) or annotation
    if issubclass(origin, str):
        return expand_user(given.text) if path else given.text
    return (Path if origin is os.PathLike else origin)(expand_user(given.text))


def _number(kind: type, given: Given) -> Any:
    value = _reading(given)
    if isinstance(value, bool) or kind is bool:
        return _only(isinstance(value, bool) and kind is bool, value, kind)
    if kind is float:
        return _float(_only(isinstance(value, (int, float)), value, kind))
    return _only(isinstance(value, int), value, kind)


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise ConversionError(f"{describe(float)}, of at most {sys.float_info.max:.1g}") from error


def _union(members: tuple[Any, ...], given: Given, path: bool) -> Any:
    bare = [_bare(member) for member in members]
    texts = any(_is_text(member) for member in bare)
    for member in sorted(bare, key=lambda member: _rank(member, texts_first=texts and given.quoted)):
        if given.value is None and given.text is None and type(None) in bare:
            return None
        try:
            return convert(member, given, path)
        except ConversionError:
            continue
    raise ConversionError(describe(Union[members]))  # noqa: UP007 - the members are not written here


def _rank(member: Any, texts_first: bool) -> int:
    """In which order the members of a union are tried: an integer before a float, text before what accepts anything."""
    origin = typing.get_origin(member) or member
    if origin is Literal:
        return 0
    if origin in _NUMBERS:
        return (6 if texts_first else 1) + _NUMBERS.index(origin)
    if origin in (*_LISTS, *_MAPPINGS) or (isinstance(origin, type) and issubclass(origin, Enum)):
        return 4
    if _is_text(member):
        return 5
    return 9 if member is type(None) else 10


def _means(given: Given, option: Any) -> bool:
    """Whether the text or its reading is that value and of its type: ``true`` is not ``1``."""
    if option is None:
        return _is_none(given)
    readings = (given.text, given.value, _reading(given))
    return any(type(option) is type(value) and option == value for value in readings)


def _literal(options: tuple[Any, ...], given: Given) -> Any:
    for option in options:
        if _means(given, option):
            return option
    close = difflib.get_close_matches(str(given.text or given.value), [str(option) for option in options], n=1)
    told = describe(Literal[options])
    raise ConversionError(f"{told}; did you mean {close[0]}?" if close else told)


def _member(kind: type[Enum], given: Given) -> Any:
    for item in kind:
        if item is given.value or item.name == given.text or _means(given, item.value):
            return item
    raise ConversionError(describe(kind))


def _list(annotation: Any, origin: Any, given: Given, path: bool) -> Any:
    if isinstance(given.value, (set, frozenset)) and origin not in (list, tuple):
        return given.value
    if not isinstance(given.parts, tuple):
        raise ConversionError(f"{describe(annotation)}, as in [1,2]")
    inner = typing.get_args(annotation) or (UNKNOWN,)
    if origin is not tuple or (len(inner) == 2 and inner[1] is Ellipsis) or inner == (UNKNOWN,):
        inner = (inner[0],) * len(given.parts)
    if len(inner) != len(given.parts):
        raise ConversionError(f"{describe(annotation)}: {len(inner)} values")
    items = [convert(kind, part, path) for kind, part in zip(inner, given.parts, strict=True)]
    return origin(items) if origin in (tuple, set, frozenset) else items


def _mapping(annotation: Any, given: Given, path: bool) -> Any:
    if not isinstance(given.parts, dict):
        raise ConversionError(f"{describe(annotation)}, as in {{a: 1}}")
    inner = (typing.get_args(annotation) or (UNKNOWN, UNKNOWN))[1]
    return {key: convert(inner, part, path) for key, part in given.parts.items()}
