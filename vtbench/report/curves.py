"""Which runs are one model at several settings: those whose references differ in one number alone."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.core.errors import UsageError
from vtbench.core.naming.reference import NAME, Reference, parse_reference
from vtbench.core.naming.values import show_value


def curves(references: Sequence[str]) -> list[tuple[int, ...]]:
    """Places of references that differ in one numeric argument alone, by its value: ``tokens=16`` before ``tokens=32``.

    What tables call a model does not matter. A reference may be on several curves, or on none.
    """
    groups: dict[tuple[str, str], dict[float, int]] = {}
    for place, reference in enumerate(references):
        for key, value, rest in _numbers(reference):
            groups.setdefault((key, rest), {}).setdefault(value, place)
    return [tuple(group[value] for value in sorted(group)) for group in groups.values() if len(group) > 1]


def _numbers(text: str) -> list[tuple[str, float, str]]:
    """Every numeric argument, its value, and all else that the reference says, in any order."""
    try:
        whole = parse_reference(text).without([NAME])
    except UsageError:  # a label that somebody else gave
        return []
    return [
        (key, float(value), _said(whole.without([key])))
        for key, value in whole.args.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    ]


def _said(reference: Reference) -> str:
    return ",".join([reference.target, *sorted(f"{key}={show_value(value)}" for key, value in reference.args.items())])
