"""Suites: named sets of tasks and models, from the shipped file, a plug-in's, or a YAML file of one's own."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Collection
from pathlib import Path

from pydantic import Field, ValidationError, field_validator

from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError
from vtbench.core.naming.trust import refuse_code
from vtbench.core.outside.misfits import misfits
from vtbench.tasks.files import (
    SUITES_FILE,
    YAML_SUFFIXES,
    data_root,
    plugin_locations,
    read_mapping,
)
from vtbench.tasks.sections import Frozen


class Suite(Frozen):
    """A set of tasks with the tokenizers and generators it runs when none are given.

    In its file, a task that is a path is taken from the folder of that file; models are named as on the command line.
    """

    summary: str
    tasks: tuple[str, ...] = Field(min_length=1)
    tokenizers: tuple[str, ...] = ()
    generators: tuple[str, ...] = ()

    @field_validator("tasks", "tokenizers", "generators")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"{', '.join(repeated)} is listed twice")
        return names


def load_suite(text: str, trusted: Collection[Path] = ()) -> Suite:
    """A suite by name, or from ``path/to/suite.yaml``, which holds the fields of one suite.

    Args:
        text: the name or path.
        trusted: files, or folders of files, whose code and programs may run; what is shipped or installed is trusted.

    Raises:
        UsageError: unknown name (with a suggestion), unreadable file, bad YAML, code or a program that the file names
            without being trusted, or a field that does not fit.
    """
    if text.endswith(YAML_SUFFIXES):
        return _read_suite(user_path(text), trusted)
    suites = load_suites()
    if text not in suites:
        close = difflib.get_close_matches(text, suites, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(sorted(suites))}"
        raise UsageError(f"unknown suite {text!r}", f"{hint} (or give a path to a YAML file)")
    return suites[text]


def load_suites() -> dict[str, Suite]:
    """The shipped suites, then those of plug-ins: ``suites.yaml`` in a folder of tasks, or an entry point of its own.

    A shipped name cannot be taken over. A plug-in whose file is damaged offers none, which a warning tells.
    """
    suites = _read_suites(data_root() / "tasks" / SUITES_FILE)
    for location in plugin_locations():
        path = location if location.name == SUITES_FILE else location / SUITES_FILE
        if not path.is_file():
            continue
        try:
            found = _read_suites(path)
        except UsageError as error:
            warnings.warn(f"suites of a plug-in cannot be read: {error.what}", stacklevel=2)
            continue
        suites = {**found, **suites}
    return suites


def is_suite_file(text: str) -> bool:
    """Whether ``text`` is the path of a YAML file that holds a suite, and not a task."""
    path = user_path(text)
    return text.endswith(YAML_SUFFIXES) and path.is_file() and "tasks" in read_mapping(path)


def _read_suites(path: Path) -> dict[str, Suite]:
    return {name: _suite(value, path, name) for name, value in read_mapping(path).items()}


def _read_suite(path: Path, trusted: Collection[Path]) -> Suite:
    content = read_mapping(path)
    refuse_code(content, path, trusted)
    if content and all(isinstance(value, dict) for value in content.values()):
        raise UsageError(
            f"{path} holds several suites ({', '.join(map(str, content))})",
            "a file of one's own holds one: summary, tasks, tokenizers, generators",
        )
    return _suite(content, path, path.stem)


def _suite(content: object, path: Path, name: str) -> Suite:
    try:
        suite = Suite.model_validate(content)
    except ValidationError as error:
        where = f"{path}: suite {name}" if path.name == SUITES_FILE else f"{path}"
        problems = misfits(error, "suite")
        raise UsageError(f"{where} is not a valid suite: {problems}", "see docs/adding-a-task.md#a-suite") from None
    return suite.model_copy(update={"tasks": tuple(_from(path.parent, task) for task in suite.tasks)})


def _from(folder: Path, task: str) -> str:
    """A path of a task, taken from the folder of its suite; a name as it is."""
    return str(folder / user_path(task)) if task.endswith(YAML_SUFFIXES) else task
