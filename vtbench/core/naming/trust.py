"""What a file names is not run because the file names it.

Tasks, suites and plans are data that people send one another. In them a reference may name what is built in or
installed; ``module:attribute``, ``./file.py:Class`` and programs are for the command line, where a person typed them,
or for a file that a person has said to trust.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError

PROSE = frozenset({"summary", "licence", "citation", "note", "quirks"})
"""Fields that nothing resolves: text for people."""
PROGRAMS = frozenset({"command"})
"""Built-in names whose arguments start a program."""

# A module or a Python file, a colon, an attribute: at the start of a text, or as an argument or item inside it. What
# follows a colon in a URL, a drive or a ratio is no identifier.
_CODE = re.compile(r"(?:^|(?<=[=,\[{:\s'\"]))(?P<code>[~./\w\\-]*[\w\\-]:[^\W\d]\w*(?:\.\w+)*)(?=$|[,\]}\s'\"])")
_FILE = re.compile(r"(?:^|(?<=[,=]))(?P<code>[^,=]*\.py:[^\W\d]\w*)")


def code_named(content: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """``(field, reference)`` of all code and programs that plain data name, in keys and values, whatever the field.

    Args:
        content: what a YAML or JSON file holds.
        field: dotted name of the place that is looked at.
    """
    if isinstance(content, str):
        yield from ((field, found) for found in _code_in(content))
    elif isinstance(content, Mapping):
        for key, value in content.items():
            if key not in PROSE:
                yield from ((field, found) for found in _code_in(str(key)))
                yield from code_named(value, f"{field}.{key}" if field else str(key))
    elif isinstance(content, (list, tuple)):
        for place, value in enumerate(content):
            yield from code_named(value, f"{field}.{place}")


def refuse_code(content: Any, file: Path, trusted: Collection[Path] = ()) -> None:
    """Refuse plain data that name code, unless their file, or a folder above it, is trusted.

    Raises:
        UsageError: names the code, the field, and the option that would let it run.
    """
    named = list(code_named(content))
    if named and not is_trusted(file, trusted):
        told = ", ".join(dict.fromkeys(f"{code} ({field})" for field, code in named[:3]))
        more = f" and {len(named) - 3} more" if len(named) > 3 else ""
        raise UsageError(
            f"{file} names code of its own: {told}{more}",
            f"what a file names is not run; read it, then say --trust {file}",
        )


def is_trusted(file: Path, trusted: Collection[Path]) -> bool:
    """Whether the file, or a folder that it lies in, was named as trusted; links count as what they lead to."""
    real = user_path(file).resolve()
    return any(user_path(place).resolve() in (real, *real.parents) for place in trusted)


def _code_in(text: str) -> Iterator[str]:
    target = text.split(",", 1)[0].strip()
    if target in PROGRAMS:
        yield text
        return
    found = {match["code"].strip() for pattern in (_CODE, _FILE) for match in pattern.finditer(text)}
    yield from sorted(found)
