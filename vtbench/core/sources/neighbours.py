"""Neighbours of a file named as ``./mine.py``: its folder is importable from the code in it, and from nothing else.

As under ``python mine.py``, ``import helper`` finds ``helper.py`` beside the file, also in a function that runs later.
Unlike there, a neighbour never takes the place of the standard library or of an installed package, code elsewhere
never meets it, and of two folders that each have a ``helper.py`` each gets its own.
"""

from __future__ import annotations

import builtins
import hashlib
import importlib.util
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from vtbench.core.sources.installed import is_installed, site_folders

_PREFIX = "_vtbench_file_"
_LOCK = threading.RLock()
_FOLDERS: dict[str, None] = {}
_SHELF: dict[str | None, dict[str, ModuleType]] = {}
"""Modules whose name another folder's module has at present, by the folder that they are from (none: elsewhere)."""
_current: str | None = None


def import_file(file: Path) -> ModuleType:
    """The module of a Python file, imported once a process, under a name of its own.

    Args:
        file: absolute, and there.
    """
    _admit(str(file.parent))
    enter(str(file.parent))
    name = _name_of(file)
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file, loader=_Loader(name, str(file)))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def module_of_file(file: Path) -> ModuleType | None:
    """The module that :func:`import_file` made of a file, if it did."""
    return sys.modules.get(_name_of(file))


def _name_of(file: Path) -> str:
    return f"{_PREFIX}{hashlib.sha256(str(file).encode()).hexdigest()[:16]}"


def imported_files() -> list[Path]:
    """Every file that was imported so: another process imports them before it reads a pickle of what is theirs."""
    modules = [module for name, module in list(sys.modules.items()) if name.startswith(_PREFIX)]
    return [Path(str(module.__file__)) for module in modules]


def enter(folder: str | None) -> None:
    """Have the modules of ``folder`` (``None``: of no such folder) in ``sys.modules`` where several share a name."""
    global _current
    with _LOCK:
        if folder == _current:
            return
        _current = folder
        wanted = _SHELF.pop(folder, {})
        tops = {name.partition(".")[0] for name in wanted}
        for name, module in list(sys.modules.items()):
            top, owner = name.partition(".")[0], None
            if top in tops or (folder is not None and is_neighbour(top, folder)):
                owner = folder_of(getattr(module, "__file__", None) or _first_path(module))
                if owner != folder:
                    _SHELF.setdefault(owner, {})[name] = sys.modules.pop(name)
        sys.modules.update(wanted)


@lru_cache(maxsize=4096)
def is_neighbour(top: str, folder: str) -> bool:
    """Whether code in ``folder`` that imports ``top`` means a module beside it."""
    if top in sys.stdlib_module_names or top == "vtbench":
        return False
    if not any(Path(folder, part).exists() for part in (f"{top}.py", top)):
        return False
    spec = PathFinder.find_spec(top, [folder])
    return spec is not None and PathFinder.find_spec(top, site_folders()) is None


def _admit(folder: str) -> None:
    with _LOCK:
        if not _FOLDERS:
            sys.meta_path.insert(0, _Finder())
        _FOLDERS.setdefault(folder)


class _Finder(MetaPathFinder):
    """Finds neighbours for whoever lies beside them, found by the files of the functions that are running."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        folder = self._asking(fullname) if path is None else folder_of(next(iter(path), None))
        if folder is None:
            return None
        spec = PathFinder.find_spec(fullname, [folder] if path is None else path)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec

    @staticmethod
    def _asking(top: str) -> str | None:
        holders = [folder for folder in _FOLDERS if is_neighbour(top, folder)]
        frame = sys._getframe(1) if holders else None
        while frame is not None:
            folder = folder_of(frame.f_globals.get("__file__"))
            if folder is not None:
                return folder if folder in holders else None
            frame = frame.f_back
        return None


class _Loader(SourceFileLoader):
    """Compiles what is in the file now, whatever its time of change says, and gives it an ``import`` of its folder."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code

    def exec_module(self, module: ModuleType) -> None:
        folder = folder_of(self.path)
        if folder is not None:
            module.__dict__["__builtins__"] = _builtins_of(folder)
        super().exec_module(module)


@lru_cache(maxsize=256)
def _builtins_of(folder: str) -> dict[str, Any]:
    return {**vars(builtins), "__import__": _import_in(folder)}


def _import_in(folder: str) -> Callable[..., Any]:
    def import_in_folder(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> ModuleType:
        enter(folder)
        return builtins.__import__(name, globals, locals, fromlist, level)

    return import_in_folder


def folder_of(file: object) -> str | None:
    """The innermost such folder that a file lies in; none for installed packages, whose environment may lie there."""
    if not isinstance(file, str) or not _FOLDERS or is_installed(file):
        return None
    inside = [folder for folder in _FOLDERS if file == folder or file.startswith(f"{folder.rstrip('/')}/")]
    return max(inside, key=len, default=None)


def _first_path(module: ModuleType) -> str | None:
    return next(iter(getattr(module, "__path__", None) or ()), None)
