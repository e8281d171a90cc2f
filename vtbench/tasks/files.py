"""Where tasks and suites lie, and how their YAML is read: as plain data, never as code."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from vtbench.core.errors import UsageError
from vtbench.tasks.schema import TaskSpec
from vtbench.tasks.sections import Frozen

_PACKAGE = Path(__file__).resolve().parents[1]


class Suite(Frozen):
    """A named set of tasks with the tokenizers and generators it runs when none are given."""

    summary: str
    tasks: tuple[str, ...]
    tokenizers: tuple[str, ...] = ()
    generators: tuple[str, ...] = ()


def data_root() -> Path:
    """The folder that holds ``tasks/``: inside the package in a wheel, beside it in a checkout."""
    inside = _PACKAGE / "_data"
    return inside if inside.is_dir() else _PACKAGE.parent


def task_files() -> dict[str, Path]:
    """Task name to YAML file: the shipped ones, then those of installed plug-ins (entry points ``vtbench.tasks``)."""
    files = {path.stem: path for path in sorted((data_root() / "tasks").glob("*/*.yaml"))}
    for path in _plugin_files():
        files.setdefault(path.stem, path)
    return files


def _plugin_files() -> Iterator[Path]:
    """A plug-in's entry point is a path to a YAML file or to a folder of them; a broken one offers nothing."""
    for point in entry_points(group="vtbench.tasks"):
        try:
            location = Path(point.load())
        except Exception as error:  # noqa: BLE001 - a broken plug-in harms only itself
            import warnings

            warnings.warn(f"tasks of the plug-in {point.name!r} cannot be loaded: {error!r}", stacklevel=2)
            continue
        yield from [location] if location.is_file() else sorted(location.glob("*.yaml"))


def load_task(text: str) -> TaskSpec:
    """A task by name, as ``kind/name`` (``generation/mini`` is ``generation-mini``), or from ``path/to/task.yaml``.

    Raises:
        UsageError: unknown name (with a suggestion), unreadable file, bad YAML, or a field that does not fit.
    """
    if text.endswith((".yaml", ".yml")):
        return read_task(Path(text).expanduser())
    files = task_files()
    text = _without_folder(text, files)
    if text not in files:
        close = difflib.get_close_matches(text, files, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(sorted(files))}"
        raise UsageError(f"unknown task {text!r}", f"{hint} (or give a path to a YAML file)")
    return read_task(files[text])


def _without_folder(text: str, files: dict[str, Path]) -> str:
    """The plain name of ``kind/name``, where the folder ``tasks/kind`` holds ``name.yaml`` or ``kind-name.yaml``."""
    kind, _, name = text.rpartition("/")
    fitting = (known for known in (name, f"{kind}-{name}") if known in files and files[known].parent.name == kind)
    return next(fitting, text)


@lru_cache(maxsize=256)
def read_task(path: Path) -> TaskSpec:
    """Read and check one task file."""
    content = _read_yaml(path)
    try:
        spec = TaskSpec.model_validate(content)
    except ValidationError as error:
        raise UsageError(f"{path} is not a valid task: {_first_problems(error)}", "see docs/adding-a-task.md") from None
    if spec.name != path.stem:
        raise UsageError(f"{path}: the task is named {spec.name!r}, its file {path.stem!r}", "give both one name")
    return spec


def load_suite(name: str) -> Suite:
    """A suite of ``tasks/suites.yaml``.

    Raises:
        UsageError: unknown suite.
    """
    suites = load_suites()
    if name not in suites:
        raise UsageError(f"unknown suite {name!r}", f"known: {', '.join(sorted(suites))}")
    return suites[name]


def load_suites() -> dict[str, Suite]:
    """Every shipped suite."""
    path = data_root() / "tasks" / "suites.yaml"
    try:
        return {name: Suite.model_validate(value) for name, value in _read_yaml(path).items()}
    except ValidationError as error:
        raise UsageError(f"{path} is not valid: {_first_problems(error)}") from None


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", "check the path") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not YAML: {error}", "only plain data is read: no tags, no objects") from None
    if not isinstance(content, dict):
        raise UsageError(f"{path} must hold a mapping, not {type(content).__name__}")
    return content


def _first_problems(error: ValidationError, most: int = 4) -> str:
    problems = [f"{'.'.join(map(str, e['loc'])) or 'task'}: {e['msg']}" for e in error.errors()]
    more = f" (+{len(problems) - most} more)" if len(problems) > most else ""
    return "; ".join(problems[:most]) + more
