"""``NAME[,key=value…]``: how a model, data set or task is named with its arguments on one line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from vtbench.core.errors import UsageError

_OPENING, _CLOSING = "[{(", "]})"


@dataclass(frozen=True)
class Reference:
    """A target (registered name, ``package.module:Class`` or ``./file.py:Class``) and its keyword arguments."""

    target: str
    args: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return ",".join([self.target, *(f"{key}={_show(value)}" for key, value in self.args.items())])


def parse_reference(text: str) -> Reference:
    """Read ``jpeg,quality=10``. Values are YAML scalars or flow lists: ``quality=10``, ``sizes=[1,2]``, ``fast=true``.

    Raises:
        UsageError: an argument without ``=``, an empty name, a repeated key, or a value that is not YAML.
    """
    target, *pairs = _split(text.strip())
    if not target:
        raise UsageError(f"no name in {text!r}", "write NAME or NAME,key=value")
    args: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        key = key.strip()
        if not equals or not key.isidentifier():
            raise UsageError(f"{pair!r} in {text!r} is not key=value", "write NAME,key=value,key=value")
        if key in args:
            raise UsageError(f"{key!r} is given twice in {text!r}")
        args[key] = _value(value, text)
    return Reference(target.strip(), args)


def _value(value: str, text: str) -> Any:
    try:
        return yaml.safe_load(value) if value else ""
    except yaml.YAMLError as error:
        raise UsageError(f"{value!r} in {text!r} is not a value", "quote it as in YAML: key='a: b'") from error


def _split(text: str) -> list[str]:
    """Split at commas that are not inside brackets."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        depth += (character in _OPENING) - (character in _CLOSING)
        if character == "," and depth <= 0:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]


def _show(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=10**6).strip().removesuffix("...").strip()
