"""One value of a reference: how it was typed, and what YAML 1.2 reads in it.

Both are kept, because only the parameter that takes the value knows which is meant: ``revision=1234567`` is a number
to YAML and a name to a model hub.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from vtbench.core.digests import canonical_json

OPENING, CLOSING, QUOTES = "[{", "]}", "'\""
# A quote opens a string at the start of a value only, so that the apostrophe of an unquoted word is plain text.
QUOTED = re.compile(r"""(?<=[=,\[{:\s])(?:'(?:[^']|'')*'|"(?:[^"\\]|\\.)*")""", re.DOTALL)
_WHOLLY_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
_SEPARATOR = re.compile(r"""[\[\]{},'"]""")
_COMMENT = re.compile(r"\s#")
_SCALARS = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "null": (r"null|Null|NULL|~|", ["n", "N", "~", ""]),
    "int": (r"[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
}


@dataclass(frozen=True)
class Given:
    """A value as it was given.

    Attributes:
        value: what YAML reads: text, number, truth value, null, or lists and mappings of them.
        text: the characters, without the quotes around them; ``None`` where the value was never typed.
        quoted: quotes say that it is text.
        parts: of a list or mapping.
    """

    value: Any
    text: str | None = None
    quoted: bool = False
    parts: tuple[Given, ...] | dict[Any, Given] | None = None


def given(value: Any) -> Given:
    """A value that comes from Python or a YAML file, where text was told from numbers already."""
    if isinstance(value, dict):
        return Given(value, parts={key: given(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return Given(value, parts=tuple(given(item) for item in value))
    return Given(value, value, quoted=True) if isinstance(value, str) else Given(value)


def read_value(typed: str) -> Given:
    """Read what stands behind ``key=``.

    A value in brackets is a YAML flow list or mapping, one in quotes is text; anything else is one scalar to its end,
    whatever is in it: on one line there are no comments, tags or nested keys.

    Raises:
        ValueError: quotes or brackets that YAML cannot read.
    """
    if typed[:1] in OPENING and typed[-1:] in CLOSING and typed:
        return _flow(typed)
    if typed[:1] in QUOTES and typed:
        if not _WHOLLY_QUOTED.fullmatch(typed):
            raise ValueError("a value that begins with a quote ends with it")
        text = _load(typed)
        return Given(text, text, quoted=True)
    return Given(read_scalar(typed), typed)


def read_scalar(text: str) -> Any:
    """What YAML 1.2 reads in unquoted text: ``4:2:0``, ``0123``, ``1_000`` and ``yes`` are text, ``1e-3`` is a number.

    A number that cannot be held is text too: ``12e4567`` may begin a commit.
    """
    if not text or not any(re.fullmatch(pattern, text) for pattern, _ in _SCALARS.values()):
        return text
    try:
        loaded = _load(text)
        canonical_json(loaded)
    except ValueError:
        return text
    return loaded


def show_value(value: Any) -> str:
    """The text that :func:`read_value` reads as ``value``."""
    shown: str = yaml.dump(value, Dumper=_Dumper, default_flow_style=True, allow_unicode=True, width=10**6)
    return shown.strip().removesuffix("\n...")


def _flow(typed: str) -> Given:
    if _COMMENT.search(QUOTED.sub("", typed)):
        raise ValueError("text with ' #' inside brackets is quoted")
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(typed, Loader=_Loader)):
            raise ValueError("an alias, which may unfold to anything")
        loader = _Loader(typed)
        node = loader.get_single_node()
        assert node is not None, typed
        read = _of_node(loader, node, typed)
        canonical_json(read.value)  # a value that a record cannot hold (a date, bytes, infinity) is none
    except (yaml.YAMLError, TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    return read


def _of_node(loader: _Loader, node: yaml.Node, typed: str) -> Given:
    text = typed[node.start_mark.index : node.end_mark.index]
    if isinstance(node, yaml.SequenceNode) and node.tag.endswith(":seq"):
        parts = tuple(_of_node(loader, item, typed) for item in node.value)
        return Given([part.value for part in parts], text, parts=parts)
    if isinstance(node, yaml.MappingNode) and node.tag.endswith(":map"):
        named = {loader.construct_object(key, deep=True): _of_node(loader, item, typed) for key, item in node.value}
        if len(named) < len(node.value):
            raise ValueError("a key is given twice")
        return Given({key: part.value for key, part in named.items()}, text, parts=named)
    quoted = isinstance(node, yaml.ScalarNode) and node.style is not None
    return Given(loader.construct_object(node, deep=True), node.value, quoted)


def _load(text: str) -> Any:
    try:
        return _Loader(text).get_single_data()
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


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
for _tag, (_pattern, _first) in _SCALARS.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))
YAML12_RESOLVERS = _Loader.yaml_implicit_resolvers
"""Which plain scalars are numbers, truth values and null, for other loaders that read as :func:`read_value` does."""
