"""Where a class or function is written, found by reading source files: nothing is imported or run."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

from vtbench.core.disk.files import user_path

Node: TypeAlias = "ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef"
_DEEPEST = 8
"""Names that are followed from module to module, and classes from base to base."""


@dataclass(frozen=True)
class Definition:
    """A class or function, and the module it is written in."""

    node: Node
    module: Module


@dataclass(frozen=True)
class Module:
    """A module's source, parsed.

    Attributes:
        name: dotted; empty for a file that is named by its path.
        file: where it lies.
        tree: its statements.
    """

    name: str
    file: Path
    tree: ast.Module

    def find(self, name: str, depth: int = 0) -> Definition | None:
        """What a name at the module's top stands for, through the imports that it came by."""
        for statement in _top(self.tree):
            if isinstance(statement, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and statement.name == name:
                return Definition(statement, self)
            if isinstance(statement, ast.ImportFrom) and depth < _DEEPEST and (found := self._behind(statement, name)):
                module, original = found
                return module.find(original, depth + 1)
        return None

    def alias(self, name: str, depth: int = 0) -> ast.expr | None:
        """The value of a name at the module's top, through the imports that it came by."""
        written = self.constant(name)
        if written is not None or depth >= _DEEPEST:
            return written
        for statement in _top(self.tree):
            if isinstance(statement, ast.ImportFrom) and (found := self._behind(statement, name)):
                module, original = found
                return module.alias(original, depth + 1)
        return None

    def constant(self, name: str) -> ast.expr | None:
        """The value of a name at the module's top, where it is written there."""
        for statement in _top(self.tree):
            targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
            if isinstance(statement, (ast.Assign, ast.AnnAssign)) and any(
                isinstance(target, ast.Name) and target.id == name for target in targets
            ):
                return statement.value
        return None

    def _behind(self, statement: ast.ImportFrom, name: str) -> tuple[Module, str] | None:
        """The module that an import takes a name from, and what it is called there; ``None`` where it does not."""
        original = next((alias.name for alias in statement.names if (alias.asname or alias.name) == name), None)
        module = None if original is None else read_module(self._imported(statement))
        return None if module is None or original is None else (module, original)

    def _imported(self, statement: ast.ImportFrom) -> str:
        if not statement.level:
            return statement.module or ""
        package = self.name if self.file.name == "__init__.py" else self.name.rpartition(".")[0]
        parts = package.split(".")
        return ".".join([*parts[: len(parts) - statement.level + 1], *filter(None, [statement.module])])


def find_definition(target: str) -> Definition | None:
    """What ``package.module:Class`` or ``./file.py:Class`` names; ``None`` where no source tells."""
    location, _, name = target.rpartition(":")
    module = _parse("", user_path(location)) if location.endswith(".py") else read_module(location)
    return None if module is None else module.find(name)


def bases(definition: Definition) -> Iterator[Definition]:
    """A class and those it inherits from, itself first, as far as their source is found."""
    waiting, seen = [definition], 0
    while waiting and seen < _DEEPEST:
        current, seen = waiting.pop(0), seen + 1
        yield current
        if isinstance(current.node, ast.ClassDef):
            names = [base.id for base in current.node.bases if isinstance(base, ast.Name)]
            waiting += [found for found in map(current.module.find, names) if found is not None]


@cache
def read_module(name: str) -> Module | None:
    """A module by its dotted name. Only the top package is looked up by the import system: nothing of it runs."""
    top, *rest = name.split(".")
    try:
        spec = importlib.util.find_spec(top) if top else None
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if not rest:
        return _parse(name, Path(spec.origin)) if spec.origin else None
    for folder in spec.submodule_search_locations or ():
        place = Path(folder).joinpath(*rest)
        for file in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
            if file.is_file():
                return _parse(name, file)
    return None


def _parse(name: str, file: Path) -> Module | None:
    try:
        return Module(name, file, ast.parse(file.read_bytes()))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):  # a C extension, or no Python at all
        return None


def _top(tree: ast.Module) -> Iterator[ast.stmt]:
    """Statements at the top of a module, those under ``if`` and ``try`` too."""
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        statement = waiting.pop(0)
        yield statement
        if isinstance(statement, (ast.If, ast.Try)):
            handlers = statement.handlers if isinstance(statement, ast.Try) else []
            inner = [*statement.body, *(item for handler in handlers for item in handler.body), *statement.orelse]
            waiting = [*inner, *waiting]
