"""Where tasks lie, and how their YAML is read: as plain data, never as code."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError
from vtbench.core.foreign.guard import making, told
from vtbench.core.naming.trust import refuse_code
from vtbench.core.outside.misfits import misfits
from vtbench.core.outside.parsing import boundary, parse_yaml, read_text
from vtbench.tasks.schema import TaskSpec

_PACKAGE = Path(__file__).resolve().parents[1]
SUITES_FILE = "suites.yaml"
YAML_SUFFIXES = (".yaml", ".yml")


def data_root() -> Path:
    """The folder that holds ``tasks/``: inside the package in a wheel, beside it in a checkout."""
    inside = _PACKAGE / "_data"
    return inside if inside.is_dir() else _PACKAGE.parent


def task_files() -> dict[str, Path]:
    """Task name to YAML file: the shipped ones, then those of installed plug-ins (entry points ``vtbench.tasks``)."""
    files = {path.stem: path for path in sorted((data_root() / "tasks").glob("*/*.yaml"))}
    for location in plugin_locations():
        found = [location] if location.is_file() else sorted(location.glob("*.yaml"))
        for path in found:
            if path.name != SUITES_FILE:
                files.setdefault(path.stem, path)
    return files


def plugin_locations() -> Iterator[Path]:
    """What the entry points ``vtbench.tasks`` name: a YAML file, or a folder of them; a broken one offers nothing."""
    for point in entry_points(group="vtbench.tasks"):
        try:
            with making(point.value, seed=0):
                found = Path(point.load())
        except Exception as error:  # noqa: BLE001 - a broken plug-in harms only itself
            import warnings

            warnings.warn(f"tasks of the plug-in {point.name!r} cannot be loaded: {told(error)}", stacklevel=2)
        else:
            yield found


def load_task(text: str, trusted: Collection[Path] = ()) -> TaskSpec:
    """A task by name, as ``kind/name`` (``generation/mini`` is ``generation-mini``), or from ``path/to/task.yaml``.

    Args:
        text: the name or path.
        trusted: files, or folders of files, whose code may run. What is shipped or installed is trusted.

    Raises:
        UsageError: unknown name (with a suggestion), unreadable file, bad YAML, code that the file names without being
            trusted, or a field that does not fit.
    """
    if text.endswith(YAML_SUFFIXES):
        return read_task(user_path(text), tuple(trusted))
    files = task_files()
    text = _without_folder(text, files)
    if text not in files:
        close = difflib.get_close_matches(text, files, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(sorted(files))}"
        raise UsageError(f"unknown task {text!r}", f"{hint} (or give a path to a YAML file)")
    return read_task(files[text], (files[text],))


def _without_folder(text: str, files: dict[str, Path]) -> str:
    """The plain name of ``kind/name``, where the folder ``tasks/kind`` holds ``name.yaml`` or ``kind-name.yaml``."""
    kind, _, name = text.rpartition("/")
    fitting = (known for known in (name, f"{kind}-{name}") if known in files and files[known].parent.name == kind)
    return next(fitting, text)


def read_task(path: Path, trusted: tuple[Path, ...] = ()) -> TaskSpec:
    """Read and check one task file; nothing that it names is imported before it is known to be allowed.

    Read once as long as it does not change.
    """
    try:
        seen = path.stat()
    except (OSError, ValueError):  # told where it is read
        return _read_task(path, trusted, ())
    return _read_task(path, trusted, (seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino))


@lru_cache(maxsize=256)
def _read_task(path: Path, trusted: tuple[Path, ...], seen: tuple[int, ...]) -> TaskSpec:
    del seen  # a file that changed is another entry of the cache
    content = read_mapping(path)
    refuse_code(content, path, trusted)
    problem, hint = f"{path} is not a valid task", "see docs/adding-a-task.md"
    with boundary(problem, hint, UsageError):
        try:
            spec = TaskSpec.model_validate(content)
        except ValidationError as error:
            raise UsageError(f"{problem}: {misfits(error, 'task')}", hint) from None
        except UsageError as error:  # a metric that is not known
            raise UsageError(f"{problem}: {error.what}", error.hint) from None
    if spec.name != path.stem:
        raise UsageError(f"{path}: the task is named {spec.name!r}, its file {path.stem!r}", "give both one name")
    return spec


def read_mapping(path: Path) -> dict[str, Any]:
    """The mapping of one YAML file.

    Raises:
        UsageError: unreadable, not YAML, or no mapping.
    """
    content = parse_yaml(read_text(path), path)
    if not isinstance(content, dict):
        raise UsageError(f"{path} must hold a mapping, not {type(content).__name__}")
    return content
