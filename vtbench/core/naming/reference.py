"""``NAME[,key=value…]``: how a model, data set or task is named with its arguments on one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from vtbench.core.errors import UsageError
from vtbench.core.naming.values import CLOSING, OPENING, QUOTED, Given, given, read_value, show_value

NAME = "name"
"""The argument that every model takes: what tables call it."""


@dataclass(frozen=True)
class Reference:
    """A target (registered name, ``package.module:Class`` or ``./file.py:Class``) and its keyword arguments.

    Attributes:
        args: values as YAML reads them.
        typed: the same values as they were typed, for those that were. Two references are equal without it.
    """

    target: str
    args: dict[str, Any] = field(default_factory=dict)
    typed: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    def __str__(self) -> str:
        shown = (f"{key}={self.typed[key] if key in self.typed else show_value(self.args[key])}" for key in self.args)
        return ",".join([self.target, *shown])

    def given(self, key: str) -> Given:
        """The value of one argument, with its text where it was typed."""
        return read_value(self.typed[key]) if key in self.typed else given(self.args[key])

    def without(self, keys: Iterable[str]) -> Reference:
        """The same target with fewer arguments."""
        dropped = set(keys)
        args, typed = ({k: v for k, v in m.items() if k not in dropped} for m in (self.args, self.typed))
        return Reference(self.target, args, typed)

    def over(self, target: str, defaults: Mapping[str, Any]) -> Reference:
        """Another target with arguments of its own, which those of this reference override."""
        return Reference(target, {**defaults, **self.args}, dict(self.typed))

    @property
    def name(self) -> str | None:
        """The argument ``name`` as it was typed: ``name=7`` is ``"7"``. ``None`` where there is none.

        Raises:
            UsageError: an empty name.
        """
        if NAME not in self.args:
            return None
        told = self.given(NAME)
        name = str(told.value) if told.text is None else told.text
        if not name.strip():
            raise UsageError(f"{self}: an empty name", "write name=NAME, or leave it out")
        return name


def parse_reference(text: str) -> Reference:
    """Read ``jpeg,quality=10``. Values are YAML 1.2 scalars, flow lists or mappings: ``sizes=[1,2]``, ``fast=true``.

    The parameter that takes a value decides whether its text or its YAML reading is meant
    (:mod:`vtbench.core.naming.arguments`). Text with a comma or an open bracket is quoted: ``path='a,b'``.
    ``parse_reference(str(reference)) == reference``.

    Raises:
        UsageError: an argument without ``=``, an empty name, a repeated key, or quotes or brackets that do not match.
    """
    target, *pairs = _split(text.strip())
    if not target:
        raise UsageError(f"no name in {text!r}", "write NAME or NAME,key=value")
    args: dict[str, Any] = {}
    typed: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        key, value = key.strip(), value.strip()
        if not equals or not key.isidentifier():
            hint = f"quote a value with a comma: {list(args)[-1]}='…,…'" if args else "write NAME,key=value,key=value"
            raise UsageError(f"{pair!r} in {text!r} is not key=value", hint)
        if key in args:
            raise UsageError(f"{key!r} is given twice in {text!r}")
        try:
            args[key], typed[key] = read_value(value).value, value
        except ValueError as error:
            raise UsageError(f"{value!r} in {text!r} is not a value", f"quote text: {key}='…'") from error
    return Reference(target.strip(), args, typed)


def _split(text: str) -> list[str]:
    """Split at commas that are inside neither quotes nor brackets."""
    masked = QUOTED.sub(lambda quoted: "_" * len(quoted[0]), text)
    parts, depth, start = [], 0, 0
    for position, character in enumerate(masked):
        depth = max(0, depth + (character in OPENING) - (character in CLOSING))
        if character == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    if depth:
        raise UsageError(f"a bracket in {text!r} is not closed", "quote text with brackets: key='a[1'")
    return [*parts, text[start:]]
