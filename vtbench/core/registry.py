"""A lazy registry: names are known at once, code is imported when it is asked for.

A thing is reached four ways: a built-in name, an entry point of an installed package, ``package.module:Attribute``,
or ``./file.py:Attribute``. A plug-in that fails to import harms only whoever asks for it by name.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from vtbench.core.disk.files import user_path
from vtbench.core.errors import ForeignCodeError, UsageError, VtbenchError
from vtbench.core.foreign.guard import advice, making, told
from vtbench.core.naming.arguments import bind, recorded
from vtbench.core.naming.reference import Reference
from vtbench.core.sources.neighbours import enter, import_file


@lru_cache(maxsize=128)
def _points(group: str, places: tuple[tuple[str, int], ...]) -> tuple[EntryPoint, ...]:
    """Entry points of a group in these places of the import path: a scan of every installed package, 10 ms and more."""
    del places
    return tuple(entry_points(group=group))


def _changed(place: str) -> int:
    """When something was last installed or removed there."""
    try:
        return os.stat(place or ".").st_mtime_ns  # noqa: PTH116 - for every name that is looked up
    except OSError:
        return 0


class Registry:
    """Named targets of one kind.

    Args:
        kind: the singular word used in messages, e.g. ``"tokenizer"``.
        group: entry-point group, e.g. ``"vtbench.tokenizers"``.
        builtin: name to ``"package.module:Attribute"``. Built-in names cannot be overridden by plug-ins, so that a
            name means the same on every machine.
        universal: arguments that may be given to every target, and reach those that take them.
    """

    def __init__(self, kind: str, group: str, builtin: Mapping[str, str], universal: tuple[str, ...] = ()) -> None:
        self.kind = kind
        self.universal = universal
        self.group = group
        self.builtin = dict(builtin)

    def plugins(self) -> dict[str, EntryPoint]:
        """Entry points of installed packages, without importing them."""
        found = _points(self.group, tuple((place, _changed(place)) for place in sys.path))
        return {point.name: point for point in found if point.name not in self.builtin}

    def names(self) -> list[str]:
        """Every registered name, sorted."""
        return sorted({*self.builtin, *self.plugins()})

    def __contains__(self, name: str) -> bool:
        return name in self.builtin or name in self.plugins()

    def load(self, target: str) -> Any:
        """Import what ``target`` names.

        Raises:
            UsageError: unknown name (with a suggestion), missing file, module or attribute.
            VtbenchError: a package that the code needs is not installed.
            ForeignCodeError: the code was found but failed to import.
        """
        with making(f"{self.kind} {target}", seed=0):
            return self._load(target)

    def _load(self, target: str) -> Any:
        if target in self.builtin:
            return _import_path(self.builtin[target], self.kind)
        plugins = self.plugins()
        if target in plugins:
            return _load_plugin(plugins[target], self.kind)
        if ":" in target:
            return _import_path(target, self.kind)
        raise UsageError(f"unknown {self.kind} {target!r}", self._suggestion(target))

    def create(self, reference: Reference, **extra: Any) -> Any:
        """Load ``reference.target`` and call it with its arguments (and with those of ``extra`` that it accepts).

        Raises:
            UsageError: an argument that the target does not take, a missing one, or a target that cannot be called.
            ForeignCodeError: the target raised.
        """
        factory = self.load(reference.target)
        if not callable(factory):
            raise UsageError(f"{self.kind} {reference.target} cannot be called", "name a class or a function")
        args = bind(factory, reference, self.kind, self.universal, **extra)
        # Weights that a constructor draws are the same each time, so that blocks of two runs belong to one model.
        with making(f"{self.kind} {reference.target}", seed=0):
            return factory(**args)

    def arguments(self, reference: Reference) -> dict[str, Any]:
        """The arguments that :meth:`create` would call the target with, as a record holds them.

        Raises:
            UsageError: as :meth:`create`.
        """
        return recorded(bind(self.load(reference.target), reference, self.kind, self.universal))

    def location(self, target: str) -> str | None:
        """The module, or the path of the Python file, that ``target`` names; ``None`` for a built-in name."""
        if target in self.builtin:
            return None
        plugin = self.plugins().get(target)
        return plugin.module if plugin is not None else target.rpartition(":")[0] or None

    def _suggestion(self, target: str) -> str:
        names = self.names()
        close = difflib.get_close_matches(target.lower(), names, n=3, cutoff=0.5)
        if close:
            return f"did you mean {' or '.join(close)}?"
        return f"known: {', '.join(names)}; or name your own as package.module:Class or ./file.py:Class"


def _load_plugin(point: EntryPoint, kind: str) -> Any:
    try:
        return point.load()
    except VtbenchError:
        raise
    except (Exception, SystemExit) as error:  # a plug-in may fail in any way; it must only harm its own name
        package = point.dist.name if point.dist is not None else point.value
        raise ForeignCodeError(
            f"{kind} {point.name!r} of the installed package {package!r} failed to import: {told(error)}",
            f"fix or uninstall {package}; other {kind}s are not affected",
        ) from error


def _import_path(path: str, kind: str) -> Any:
    location, _, attribute = path.rpartition(":")
    if not location or (location.startswith(".") and not location.endswith(".py")):
        raise UsageError(f"{kind}: {path!r} names no module", "write package.module:Class or ./file.py:Class")
    module = _import_file(user_path(location), kind) if location.endswith(".py") else _import_module(location, kind)
    try:
        return getattr(module, attribute)
    except AttributeError:
        close = difflib.get_close_matches(attribute, _public(vars(module)), n=1)
        raise UsageError(
            f"{kind}: {location} has no {attribute!r}", f"did you mean {close[0]}?" if close else None
        ) from None


def _import_module(name: str, kind: str) -> ModuleType:
    enter(None)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise UsageError(f"{kind}: no module named {name!r}", "is it installed in this environment?") from error
        raise VtbenchError(f"{kind}: {name} needs the package {error.name!r}", f"pip install {error.name}") from error
    except VtbenchError:
        raise
    except (Exception, SystemExit) as error:
        raise _failed_to_import(kind, name, error) from error


def _import_file(path: Path, kind: str) -> ModuleType:
    file = path.resolve()
    if not file.is_file():
        raise UsageError(f"{kind}: no file {path}", "give a path to a Python file, as in ./mine.py:MyTokenizer")
    try:
        return import_file(file)
    except VtbenchError:
        raise
    except (Exception, SystemExit) as error:
        raise _failed_to_import(kind, path, error) from error


def _failed_to_import(kind: str, where: str | Path, error: BaseException) -> ForeignCodeError:
    hint = advice(error)
    if isinstance(error, ImportError) and "no known parent package" in str(error):
        hint = "a file by itself has no package: name it as package.module:Class, with PYTHONPATH where it needs that"
    return ForeignCodeError(f"{kind}: {where} failed to import: {told(error)}", hint)


def _public(names: Iterable[str]) -> list[str]:
    return [name for name in names if not name.startswith("_")]
