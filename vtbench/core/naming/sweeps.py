"""``NAME,key=1|2|3``: one model at several settings, written once."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from vtbench.core.naming.reference import Reference, parse_reference
from vtbench.core.naming.values import read_scalar


def swept(references: Iterable[str]) -> list[str]:
    """Every reference that is meant, in order: ``NAME,key=1|2`` stands for ``NAME,key=1`` and ``NAME,key=2``.

    Numbers and truth values alone are swept, so that a path or a name may hold a bar; a quoted value is text. Of
    several arguments every combination is meant, the last varying fastest.

    Raises:
        UsageError: a reference with a bar that cannot be read.
    """
    return [one for text in references for one in (_each(text) if "|" in text else [text])]


def _each(text: str) -> list[str]:
    whole = parse_reference(text)
    several = {key: found for key, typed in whole.typed.items() if (found := _alternatives(typed))}
    return [str(_with(whole, dict(zip(several, values, strict=True)))) for values in product(*several.values())]


def _alternatives(typed: str) -> list[str]:
    """The values between bars, where all of them are numbers or truth values."""
    parts = [part.strip() for part in typed.split("|")]
    return parts if len(parts) > 1 and all(isinstance(read_scalar(part), (bool, int, float)) for part in parts) else []


def _with(whole: Reference, values: dict[str, str]) -> Reference:
    read = {key: read_scalar(value) for key, value in values.items()}
    return Reference(whole.target, {**whole.args, **read}, {**whole.typed, **values})
