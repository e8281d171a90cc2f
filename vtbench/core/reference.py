"""``NAME[,key=value…]``: how a model, data set or task is named with its arguments on one line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from vtbench.core.digests import canonical_json
from vtbench.core.errors import UsageError

_OPENING, _CLOSING = "[{", "]}"
# A quote opens a string at the start of a value only, so that the apostrophe of an unquoted word is plain text.
_QUOTED = re.compile(r"""(?<=[=,\[{:\s])(?:'(?:[^']|'')*'|"(?:[^"\\]|\\.)*")""", re.DOTALL)
_SEPARATOR = re.compile(r"""[\[\]{},'"]""")


@dataclass(frozen=True)
class Reference:
    """A target (registered name, ``package.module:Class`` or ``./file.py:Class``) and its keyword arguments."""

    target: str
    args: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return ",".join([self.target, *(f"{key}={_show(value)}" for key, value in self.args.items())])


def parse_reference(text: str) -> Reference:
    """Read ``jpeg,quality=10``. Values are YAML 1.2 scalars, flow lists or mappings: ``sizes=[1,2]``, ``fast=true``.

    Under YAML 1.2 ``4:2:0``, ``2024-05-13``, ``0123`` and ``yes`` are text and ``1e-3`` is a number. Text with a comma
    or a bracket is quoted: ``path='a,b'``. ``parse_reference(str(reference)) == reference``.

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
        args[key] = _value(value.strip(), text)
    return Reference(target.strip(), args)


class _Loader(yaml.SafeLoader):
    """Safe YAML with the scalars of YAML 1.2: version 1.1 reads 4:2:0 as 14520 and 1e-3 as text."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's own class attribute, filled below


class _Dumper(yaml.SafeDumper):
    """Quotes exactly the text that :class:`_Loader` would take for something else."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        quote = '"' if _SEPARATOR.search(text) or not text.isprintable() else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=quote)


_Dumper.add_representer(str, _Dumper.represent_text)
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"null|Null|NULL|~|", ["n", "N", "~", ""]),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))


def _value(value: str, text: str) -> Any:
    if not value:
        return ""
    try:
        loaded = _Loader(value).get_single_data()
        canonical_json(loaded)  # a value that a record cannot hold (a date, bytes, infinity) is none
        if isinstance(loaded, dict | list) and value[0] not in _OPENING:
            raise ValueError("a mapping or list needs its brackets")
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise UsageError(f"{value!r} in {text!r} is not a value", "quote it as in YAML: key='a: b'") from error
    return loaded


def _split(text: str) -> list[str]:
    """Split at commas that are inside neither quotes nor brackets."""
    masked = _QUOTED.sub(lambda quoted: "_" * len(quoted[0]), text)
    parts, depth, start = [], 0, 0
    for position, character in enumerate(masked):
        depth = max(0, depth + (character in _OPENING) - (character in _CLOSING))
        if character == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]


def _show(value: Any) -> str:
    shown: str = yaml.dump(value, Dumper=_Dumper, default_flow_style=True, allow_unicode=True, width=10**6)
    return shown.strip().removesuffix("\n...")
