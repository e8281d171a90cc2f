"""The source files behind somebody else's code: its module and every module that it imports, without importing any.

Installed packages, the standard library and vtbench are left out; a package that is installed as editable, or found by
``PYTHONPATH``, is not: it can change under its name. Files are told apart by the last part of their module's name, so
the same code has the same digest wherever it lies and however it was named.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ModuleSpec
from pathlib import Path
from types import ModuleType

from vtbench.core.digests import digest_file
from vtbench.core.disk.files import user_path
from vtbench.core.sources.installed import owner
from vtbench.core.sources.neighbours import is_neighbour, module_of_file

_SUFFIXES = (*SOURCE_SUFFIXES, *EXTENSION_SUFFIXES)
_WEIGHTS = (
    *(".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".npz", ".npy", ".pkl", ".pickle", ".onnx", ".h5", ".msgpack"),
    ".gguf",
)
_SETTINGS = (".json", ".yaml", ".yml", ".toml")
"""Both count with the code that names them in a constant; settings only beside it, as elsewhere they may be written."""


@dataclass(frozen=True)
class SourceFile:
    """A module's file.

    Attributes:
        name: of the module.
        path: of its file.
        folder: whose neighbours it imports; ``None`` for a module of the import path.
    """

    name: str
    path: str
    folder: str | None = None

    @property
    def package(self) -> str:
        """What its relative imports start from."""
        return self.name if Path(self.path).stem == "__init__" else self.name.rpartition(".")[0]


def source_of_file(path: Path) -> SourceFile:
    """A file that was named by its path."""
    file = user_path(path).resolve()
    return SourceFile(file.stem, str(file), str(file.parent))


def packages_around(path: Path) -> list[SourceFile]:
    """The ``__init__`` of every package that a file named by its path lies in: as a module it would be told with
    them, and one file has one identity."""
    inner, folders = user_path(path).resolve().parent, []
    while (inner / "__init__.py").is_file():
        folders.append(inner)
        inner = inner.parent
    return [
        SourceFile(".".join(folder.relative_to(inner).parts), str(folder / "__init__.py"), str(inner))
        for folder in folders
    ]


def source_of_module(name: str, folder: str | None = None) -> SourceFile | None:
    """A module by its name, as code in ``folder`` would import it; ``None`` where it has no file."""
    top, *rest = name.split(".")
    if top in sys.stdlib_module_names:
        return None
    beside = folder is not None and is_neighbour(top, folder)
    place = _below([str(folder)], top) if beside else _at_top(top)
    for part in rest:
        place = _below(place.inside, part)
    return None if place.file is None else SourceFile(name, place.file, folder if beside else None)


def foreign_sources(roots: Iterable[SourceFile], data: bool = True) -> list[list[str]]:
    """Name and SHA-256 of every file, sorted; empty where all of it is installed, standard or vtbench's own.

    Of an installed package the roots themselves count: the rest of it is told by its distribution.

    Args:
        roots: where to begin.
        data: whether files of data that constants in the code name count too.
    """
    found: set[tuple[str, str]] = set()
    for file in source_files(roots):
        path = Path(file.path)
        if path.stem != "__init__" or path.read_bytes().strip():
            found.add((_short_name(file), _source_digest(file.path)))
        if path.suffix == ".py" and data:
            found |= {(name, digest_file(Path(place))) for name, place in _data_of(file.path, str(Path.cwd()))}
    return sorted(list(pair) for pair in found)


def source_files(roots: Iterable[SourceFile]) -> list[SourceFile]:
    """The roots and every module that they lead to, as far as it is foreign; of installed ones the roots alone."""
    waiting = list(roots)
    installed = {root.path for root in waiting if owner(root.path) == "installed"}
    seen: dict[str, SourceFile] = {}
    while waiting:
        file = waiting.pop()
        if file.path in seen or not (owner(file.path) == "foreign" or file.path in installed):
            continue
        seen[file.path] = file
        if file.path.endswith(".py"):
            waiting += _imported(file)
    return list(seen.values())


def _short_name(file: SourceFile) -> str:
    stem = Path(file.path).stem
    return file.package.rpartition(".")[2] if stem == "__init__" else stem


@lru_cache(maxsize=65536)
def _source_digest(path: str) -> str:
    """Of the bytes at the first look: a module that is imported stays what it was, whatever becomes of its file."""
    return digest_file(Path(path))


def _imported(file: SourceFile) -> list[SourceFile]:
    """Files of the modules that a file imports, the packages around them and around itself included."""
    values = _values_from(file) if owner(file.path) == "foreign" else ()
    names = {*_import_statements(file.path, file.package), *values, file.name}
    with_packages = {".".join(parts[:count]) for name in names for parts in [name.split(".")] for count in _upto(parts)}
    modules = (source_of_module(name, file.folder) for name in sorted(with_packages))
    return [module for module in modules if module is not None]


def _upto(parts: list[str]) -> range:
    return range(1, len(parts) + 1)


def _import_statements(path: str, package: str) -> frozenset[str]:
    """What a file's import statements name, those inside functions too, and ``import_module("name")``."""
    return frozenset(name for node in ast.walk(_tree(path)) for name in _names_of(node, package) if name)


def _names_of(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = _absolute("." * node.level + (node.module or ""), package)
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names if base and alias.name != "*")
    elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
        if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
            yield _absolute(node.args[0].value, package)


def _absolute(name: str, package: str) -> str:
    try:
        return importlib.util.resolve_name(name, package or None)
    except ImportError:  # beyond the top: the code would fail there
        return ""


def _values_from(file: SourceFile) -> set[str]:
    """Modules that things in a module are from, whatever put them there; as far as it is imported."""
    module = module_of_file(Path(file.path)) or sys.modules.get(file.name)
    if module is None or getattr(module, "__file__", None) != file.path:
        return set()
    values = list(vars(module).values())
    named = [value.__name__ if isinstance(value, ModuleType) else _home(value) for value in values]
    return {name for name in named if isinstance(name, str) and name in sys.modules and "_vtbench_file_" not in name}


def _home(value: object) -> object:
    return value.__module__ if isinstance(value, type) or (callable(value) and hasattr(value, "__globals__")) else None


def _data_of(path: str, working: str) -> Iterator[tuple[str, str]]:
    """Files that the constants of a source name, in the working folder or beside it."""
    for text in _data_constants(path):
        beside = str(Path(path).parent)
        folders = (beside,) if text.lower().endswith(_SETTINGS) else (working, beside)
        found = (Path(folder, text) for folder in folders)
        file = next((file for file in found if file.is_file()), None)
        if file is not None:
            yield file.name, str(file)


@lru_cache(maxsize=4096)
def _data_constants(path: str) -> tuple[str, ...]:
    """Text constants that end like a file of data; ``folder / "a" / "b.npz"`` and ``join(…, "a", "b.npz")`` as one."""
    found = set()
    for node in ast.walk(_tree(path)):
        parts = _constant_parts(node)
        for start in range(len(parts)):
            found.add("/".join(parts[start:]))
    return tuple(sorted(text for text in found if len(text) < 256 and text.lower().endswith((*_WEIGHTS, *_SETTINGS))))


def _constant_parts(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) and "\0" not in node.value else []
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return _constant_parts(node.left) + _constant_parts(node.right)
    if isinstance(node, ast.Call):
        return [part for argument in node.args for part in _constant_parts(argument)]
    return []


@lru_cache(maxsize=4096)
def _tree(path: str) -> ast.Module:
    try:
        return ast.parse(Path(path).read_bytes())
    except (SyntaxError, ValueError):  # its bytes count; importing it tells what is wrong
        return ast.Module(body=[], type_ignores=[])


@dataclass(frozen=True)
class _Place:
    """Where a module lies: its file (a namespace package has none), and the folders of its own modules."""

    file: str | None = None
    inside: Sequence[str] = ()


def _below(folders: Sequence[str], part: str) -> _Place:
    """A module in one of these folders, by the import system's order; its packages need not be imported."""
    for folder in folders:
        package = Path(folder, part)
        candidates = [package / "__init__.py", *(Path(folder, f"{part}{suffix}") for suffix in _SUFFIXES)]
        file = next((candidate for candidate in candidates if candidate.is_file()), None)
        if file is not None:
            return _Place(str(file), [str(package)] if file.parent == package else [])
    return _Place(None, [str(Path(folder, part)) for folder in folders if Path(folder, part).is_dir()])


def _at_top(name: str) -> _Place:
    spec = getattr(sys.modules.get(name), "__spec__", None)
    if not isinstance(spec, ModuleSpec):
        specs = (finder.find_spec(name, None) for finder in sys.meta_path)
        spec = next((spec for spec in specs if spec is not None), None)
    if spec is None:
        return _Place()
    return _Place(spec.origin if spec.has_location else None, list(spec.submodule_search_locations or ()))
