"""A planned invocation as a file that plans it again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from vtbench.core.disk.files import write_text
from vtbench.core.errors import UsageError
from vtbench.core.naming.trust import code_named
from vtbench.core.naming.values import YAML12_RESOLVERS
from vtbench.core.outside.parsing import read_text
from vtbench.core.secrets import masked, secrets_in
from vtbench.run.config.json_schema import schema_path
from vtbench.run.config.schema import RunConfig
from vtbench.tasks.files import YAML_SUFFIXES

STDOUT = "-"
"""Where tables and JSON go."""


def save_config(config: RunConfig, path: Path) -> list[str]:
    """Write the file, unless one of another content is there.

    Args:
        config: the invocation; its tasks are those that are run, by path from the current folder.
        path: of the file.

    Returns:
        What whoever runs the file has to know: credentials that are masked in it, code that it names.

    Raises:
        UsageError: another file is there, or it cannot be written.
    """
    if str(path) == STDOUT:
        raise UsageError("--save-config writes a file, not stdout", "give its name: --save-config run.yaml")
    content = _shown(config, path.parent)
    text = _head(path) + _dumped(content)
    if path.exists() and (not path.is_file() or read_text(path) != text):
        raise UsageError(f"{path} is there already, and says something else", "move it away, or give another name")
    write_text(path, text)
    return _notes(config, content, path)


def _head(path: Path) -> str:
    """The line by which editors find the schema, where this installation has it."""
    schema = schema_path()
    line = f"# yaml-language-server: $schema={_relative(schema, path.parent)}\n" if schema.is_file() else ""
    return f"{line}# vtbench run --config {path.name}\n"


def _shown(config: RunConfig, folder: Path) -> dict[str, Any]:
    tasks = [_relative(Path(task), folder) if task.endswith(YAML_SUFFIXES) else task for task in config.tasks]
    content = {**config.content, **({"tasks": tasks} if tasks else {})}
    secret = set(secrets_in(content))
    return {key: _masked(key, value, secret) for key, value in content.items()}


def _masked(key: str, value: Any, secret: set[str]) -> Any:
    """Only what holds a credential is masked: a home folder that is shortened may be another on the way back."""
    if isinstance(value, list):
        return [masked(item) if f"{key}.{place}" in secret else item for place, item in enumerate(value)]
    return masked(value) if key in secret else value


def _relative(path: Path, folder: Path) -> str:
    """From one folder to a path; links above it are followed, the last name stays."""
    whole, start = path.parent.resolve() / path.name, folder.resolve()
    try:
        return Path(os.path.relpath(whole, start)).as_posix()
    except ValueError:  # another drive
        return str(whole)


def _notes(config: RunConfig, content: dict[str, Any], path: Path) -> list[str]:
    hidden = ", ".join(secrets_in(config.content))
    told = [f"{path}: a credential is masked in {hidden}: write it there before the file is run"] if hidden else []
    if any(code_named(content)):
        told.append(f"{path} names code, as the command line did: it runs with --trust {path}")
    return told


class _Dumper(yaml.SafeDumper):
    """Quotes what YAML 1.2 would take for something else than text."""

    yaml_implicit_resolvers = YAML12_RESOLVERS

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Items of a list stand further in than its key."""
        super().increase_indent(flow, False)


def _dumped(content: dict[str, Any]) -> str:
    text: str = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**6)
    return text
