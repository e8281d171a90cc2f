"""Paths that a file holds: where they are taken from, and what would quietly mean another place."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError
from vtbench.core.secrets import MASK
from vtbench.run.config.schema import RunConfig
from vtbench.tasks.files import YAML_SUFFIXES

_VARIABLE = re.compile(r"\$(?:\{\w+\}|[A-Za-z_]\w*)")
_READ, _WRITTEN, _BESIDE = ("data", "reference", "training"), ("out", "samples"), ("tasks", "suite")


def taken_from(folder: Path, config: RunConfig) -> RunConfig:
    """Paths of tasks and of the suite, taken from the folder of the file; names, and all other paths, as they are."""
    tasks = tuple(_taken_from(folder, task) for task in config.tasks)
    suite = None if config.suite is None else _taken_from(folder, config.suite)
    return config.model_copy(update={"tasks": tasks, "suite": suite})


def _taken_from(folder: Path, name: str) -> str:
    return str(folder / user_path(name)) if name.endswith(YAML_SUFFIXES) else name


def refuse_misread(config: RunConfig, where: str, folder: Path) -> None:
    """Refuse what would quietly mean something else than whoever wrote it believes.

    Raises:
        UsageError: a credential that was masked, a variable, which only a shell reads, images that lie beside the file
            and not in the current folder, or a task's file with which it is the other way round.
    """
    for key, text in _texts(config):
        if MASK in text:
            raise UsageError(f"{where}: {key}: a credential is masked in {text}", "write it in full")
        if key in (*_READ, *_WRITTEN):
            _refuse_variable(key, text, where)
        if key in _READ:
            _refuse_elsewhere(key, text, where, Path(), folder)
        if key.partition(".")[0] in _BESIDE and text.endswith(YAML_SUFFIXES):
            _refuse_elsewhere(key, text, where, folder, Path())


def _refuse_variable(key: str, text: str, where: str) -> None:
    found = _VARIABLE.search(text)
    if found and not user_path(text).exists():
        hint = f'write the path, or give it on the command line: --{key} "{text}"'
        raise UsageError(f"{where}: {key}: {found[0]} is not replaced in a file", hint)


def _refuse_elsewhere(key: str, text: str, where: str, folder: Path, other: Path) -> None:
    """Refuse a path that leads nowhere from the folder it is taken from, and somewhere from the other one."""
    path = user_path(text)
    if not (folder / path).exists() and (other / path).exists():
        here, beside = "in the current folder", "beside the file"
        taken, lies = (here, beside) if folder == Path() else (beside, here)
        hint = f"write {Path(os.path.relpath(other / path, folder)).as_posix()}"
        raise UsageError(f"{where}: {key}: {text} is looked for {taken}, and lies {lies}", hint)


def _texts(config: RunConfig) -> Iterator[tuple[str, str]]:
    for key, value in config.content.items():
        if isinstance(value, str):
            yield key, value
        for place, text in enumerate(value) if isinstance(value, list) else ():
            yield f"{key}.{place}", text
