"""Fill in a template, and write it where nothing lies yet."""

from __future__ import annotations

import ast
import shlex
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from vtbench.core.errors import UsageError
from vtbench.templates.kinds import Kind
from vtbench.templates.names import Names, check_module, make_names


@dataclass(frozen=True)
class Draft:
    """What would be written: text by path, and how to go on."""

    texts: Mapping[Path, str]
    following: tuple[str, ...]


def draft(kind: Kind, given: str, folder: Path, taken: Collection[str]) -> Draft:
    """The files of one template under the names that follow from ``given``; nothing is written yet.

    Args:
        kind: what is to be written.
        given: its name, in any spelling.
        folder: where the files will lie.
        taken: names of vtbench's own and of plug-ins, which cannot be given again.

    Raises:
        UsageError: a name that is taken, cannot be one, or would hide a module; or a file that is there already.
    """
    names = make_names(given, kind.separator)
    is_code = kind.suffix == ".py"
    path = folder / f"{names.module if is_code else names.name}{kind.suffix}"
    test = folder / f"test_{names.module}.py"
    there = [str(file) for file in (path, test) if file.exists() or file.is_symlink()]
    if there:
        raise UsageError(f"{' and '.join(there)} already there: nothing was written", "another name, or --out DIR")
    if names.name in taken:
        raise UsageError(f"there is a {kind.word} {names.name} already", f"another name: my-{names.name}")
    if is_code:
        check_module(names)
    fields = asdict(names) | {"reference": _shown(path, f":{names.cls}"), "path": _shown(path)}
    texts = {path: _filled(f"{kind.word}{kind.suffix}.txt", fields), test: _filled(f"{kind.word}_test.py.txt", fields)}
    if is_code:
        _refuse_clash(names, texts.values())
    lines = [f"python -m pytest {_shown(test)}", *(Template(line).substitute(fields) for line in kind.following)]
    return Draft(texts, tuple(lines))


def write(planned: Draft) -> None:
    """Write every file of a draft, making its folder; a file that has appeared meanwhile is not touched.

    Raises:
        UsageError: the folder or a file cannot be written.
    """
    for path, text in planned.texts.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}", "choose another folder with --out") from None


def _filled(file: str, fields: Mapping[str, str]) -> str:
    text = files("vtbench.templates").joinpath("files").joinpath(file).read_text(encoding="utf-8")
    return Template(text).substitute(fields)


def _shown(path: Path, attribute: str = "") -> str:
    """As a shell takes it; a path beside us begins with ``./``, so that it cannot be taken for a name."""
    text = path.as_posix()
    plain = text if path.is_absolute() or text.startswith("..") else f"./{text}"
    return shlex.quote(plain + attribute)


def _refuse_clash(names: Names, sources: Collection[str]) -> None:
    """A class called like something that the template imports would take its place."""
    imported = [
        alias.asname or alias.name
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    ]
    if imported.count(names.cls) > 1:  # once, where the test imports it
        raise UsageError(f"{names.cls} is the name of something that it needs", f"another name: my-{names.name}")
