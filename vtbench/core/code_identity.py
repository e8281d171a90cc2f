"""What decides the values of somebody else's code: its sources, its numbers after loading, the files it is given.

Of vtbench's own code nothing is said here: its versions and the SHA-256 of its weights are elsewhere.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from vtbench.core.digests import digest_json
from vtbench.core.registry import Registry
from vtbench.core.sources.file_arguments import digest_arguments
from vtbench.core.sources.installed import owner
from vtbench.core.sources.modules import (
    SourceFile,
    foreign_sources,
    packages_around,
    source_files,
    source_of_file,
    source_of_module,
)
from vtbench.core.sources.reached_objects import Reached, home_of, reached_from


def code_digest(location: str | None, *things: object) -> str | None:
    """SHA-256 of the foreign code behind things; ``None`` where there is none.

    Args:
        location: where it was named: a module, or the path of a Python file; ``None`` for a built-in name.
        things: classes, functions and objects that came of it.
    """
    return _digest_of(tuple(_roots(location, things, [reached_from(thing) for thing in things])))


def code_files(location: str | None, *things: object) -> frozenset[str]:
    """Paths of the foreign sources behind things; see :func:`code_digest`."""
    roots = _roots(location, things, [reached_from(thing) for thing in things])
    return frozenset(file.path for file in source_files(roots))


def registered_code(registry: Registry, target: str) -> str | None:
    """SHA-256 of the foreign code that a registered name or the path of a class leads to; ``None`` for vtbench's own.

    Raises:
        UsageError: it leads nowhere.
    """
    location = registry.location(target)
    return None if location is None else _code_of(location, registry.load(target))


@lru_cache(maxsize=1024)
def _code_of(location: str, thing: object) -> str | None:
    return code_digest(location, thing)


def id_with_code(thing: object, told: str) -> str:
    """The id that an object gives itself, and, of somebody else's, a digest of its code and numbers: an id may stay
    while they change."""
    module = type(thing).__module__
    reached = reached_from(thing)
    code = _digest_of(tuple(_roots(None if _is_own(module) else module, (thing,), [reached])))
    return told if code is None else f"{told}+{digest_json([code, reached.digest()], 16)}"


def _is_own(module: str) -> bool:
    return module.partition(".")[0] == "vtbench"


def foreign_identity(location: str | None, factory: object, made: object, given: Mapping[str, Any]) -> dict[str, Any]:
    """Code, numbers and files of an object that foreign code made, or takes part in; empty where none does.

    Args:
        location: as for :func:`code_digest`.
        factory: what was called.
        made: what it gave back, not used yet.
        given: the arguments it was called with.
    """
    reached = [reached_from(factory), reached_from(made)]
    code = _digest_of(tuple(_roots(location, (factory, made), reached)))
    if code is None:
        return {}
    return {
        "code": code,
        "numbers": [found.digest() for found in reached],
        "files": digest_arguments({**_defaults(factory), **given}),
    }


def _roots(location: str | None, things: Iterable[object], reached: Iterable[Reached]) -> dict[SourceFile, None]:
    roots = {} if location is None else dict.fromkeys(_named(location))
    for thing in things:
        home = home_of(thing if isinstance(thing, type) or hasattr(thing, "__globals__") else type(thing))
        if home is not None and (location is not None or owner(home.path) == "foreign"):
            roots[home] = None
    for found in reached:
        roots |= found.roots
    return roots


def _named(location: str) -> list[SourceFile]:
    if location.endswith(".py"):
        return [source_of_file(Path(location)), *packages_around(Path(location))]
    source = source_of_module(location)
    return [] if source is None else [source]


def _digest_of(roots: tuple[SourceFile, ...]) -> str | None:
    sources = foreign_sources(roots)
    return digest_json([sources, _distributions(roots)]) if sources else None


def _distributions(roots: Iterable[SourceFile]) -> list[list[Any]]:
    """Name, version and content of the installed packages that the roots lie in."""
    tops = sorted({root.name.partition(".")[0] for root in roots if owner(root.path) == "installed"})
    return [_distribution(name, top) for top in tops for name in sorted(_packages().get(top, []))]


def _distribution(name: str, top: str) -> list[Any]:
    """As installed: another build under the same version has other files."""
    whole = metadata.distribution(name)
    files = [file for file in whole.files or () if file.parts[0] in (top, f"{top}.py") and file.hash is not None]
    return [name, whole.version, digest_json([[file.as_posix(), str(file.hash)] for file in files])]


@lru_cache(maxsize=1)
def _packages() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


def _defaults(factory: object) -> dict[str, Any]:
    try:
        parameters = inspect.signature(factory).parameters if callable(factory) else {}
    except (TypeError, ValueError):
        return {}
    return {name: one.default for name, one in parameters.items() if one.default is not one.empty}
