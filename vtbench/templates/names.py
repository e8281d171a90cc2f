"""From the name a person gives to those of the file, the class and the thing itself."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from importlib.util import find_spec

import yaml

from vtbench.core.errors import UsageError

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*")
_CAMEL = re.compile(r"[A-Z][a-z0-9]+(?:[A-Z][A-Za-z0-9]*)?")
_BETWEEN_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[-_]")


@dataclass(frozen=True)
class Names:
    """``my_tok`` (module), ``MyTok`` (cls) and ``my-tok`` (name, as tables show it)."""

    module: str
    cls: str
    name: str


def make_names(given: str, separator: str) -> Names:
    """``my-tok``, ``my_tok`` and ``MyTok`` give the same; a class name is kept as it is.

    Raises:
        UsageError: other characters than letters, digits, ``-`` and ``_``, no letter first, or a word of YAML.
    """
    if not _NAME.fullmatch(given):
        raise UsageError(
            f"{given!r} cannot be a name", "letters, digits, - and _, beginning with a letter: my-tokenizer"
        )
    if not isinstance(yaml.safe_load(given.lower()), str):  # ``null``, ``on``: in a task's YAML they would be no names
        raise UsageError(f"{given!r} is a word of YAML", f"another name: my-{given.lower()}")
    words = [word for word in _BETWEEN_WORDS.split(given) if word]
    cls = given if _CAMEL.fullmatch(given) else "".join(word[0].upper() + word[1:] for word in words)
    lower = [word.lower() for word in words]
    return Names("_".join(lower), cls, separator.join(lower))


def check_module(names: Names) -> None:
    """Refuse a module that Python cannot import, or that would hide another.

    Raises:
        UsageError: a keyword, or the name of a module that is there.
    """
    if keyword.iskeyword(names.module) or keyword.iskeyword(names.cls):
        raise UsageError(f"{names.module!r} is a word of Python", f"another name: my-{names.name}")
    found = find_spec(names.module)
    if found is not None:
        where = found.origin or "a folder"
        raise UsageError(
            f"{names.module}.py would hide the module {names.module} ({where})", f"another name: my-{names.name}"
        )
