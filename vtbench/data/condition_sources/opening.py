"""From what a task or ``--data`` names to the conditions of a generation task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from vtbench.core.disk.files import expand_user
from vtbench.core.errors import UsageError
from vtbench.core.naming.reference import Reference, parse_reference
from vtbench.data.condition_lists import listed_with_images
from vtbench.data.condition_sources import CONDITION_SOURCES
from vtbench.data.conditions import ConditionSet, prompts


def open_conditions(
    text: str, *, of: str, roles: Sequence[str], per_line: int, folder_as: str | None = None
) -> ConditionSet:
    """The conditions that a text names: a source by its name (or ``./file.py:Class``), else a file of prompts or lines.

    Args:
        text: as it was given.
        of: ``prompts``, which every condition then has, or ``images``.
        roles: of the images that every condition holds; others that a source has are dropped.
        per_line: images a line of a file, or a condition of a source that names no copies itself.
        folder_as: the source that a folder is opened with.

    Raises:
        UsageError: no such source or file, or conditions that lack what the task is of.
    """
    path = Path(expand_user(text))
    if path.is_dir() and text.partition(",")[0] not in CONDITION_SOURCES:
        if folder_as is None:
            raise UsageError(f"{text} is a folder, and conditions are a list", _hint(roles))
        opened_as = parse_reference(folder_as)
        return _of_source(Reference(opened_as.target, {**opened_as.args, "path": text}), of, roles, per_line)
    if _is_reference(text, path):
        return _of_source(parse_reference(text), of, roles, per_line)
    return listed_with_images(path, roles, per_line, of) if roles else prompts(path, per_line)


def _is_reference(text: str, path: Path) -> bool:
    target = text.partition(",")[0].strip()
    return target in CONDITION_SOURCES or (":" in target and not path.exists())


def _of_source(reference: Reference, of: str, roles: Sequence[str], per_line: int) -> ConditionSet:
    source = CONDITION_SOURCES.create(reference)
    found: ConditionSet = replace(source.conditions, notes=tuple(getattr(source, "notes", ())))
    for sample in found.samples:
        lacking = [role for role in roles if role not in sample.condition.images]
        if lacking:
            raise UsageError(f"{reference}: {sample.id} has no image as {lacking[0]}", _hint(roles))
        if of == "prompts" and sample.condition.prompt is None:
            raise UsageError(f"{reference}: {sample.id} has no prompt, and the task is one of prompts")
    return found.with_roles(roles).times(per_line)


def _hint(roles: Sequence[str]) -> str:
    return f"a list that names images as {' and '.join(roles)}, a line each" if roles else "one prompt a line"
