"""Signatures are read from source: right, and without running a line of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from vtbench.core.naming.parameters import UNKNOWN, parameters_of
from vtbench.core.naming.signatures import Argument, documented, first_sentence, signature_of
from vtbench.data import DATASETS
from vtbench.features import EXTRACTORS
from vtbench.generators import GENERATORS
from vtbench.readers import READERS
from vtbench.tokenizers import TOKENIZERS

REGISTERED = [
    pytest.param(registry, name, id=f"{registry.kind}-{name}")
    for registry in (TOKENIZERS, GENERATORS, DATASETS, EXTRACTORS, READERS)
    for name in sorted(registry.builtin)
]
PACKAGE = {
    "boom/__init__.py": "raise SystemExit('imported')\nfrom .inner import Renamed as Public\n",
    "boom/inner/__init__.py": "from .deep import Base, Renamed\n",
    "boom/inner/deep.py": '''
raise SystemExit("imported")
from dataclasses import dataclass
DEFAULT = 7
HUGE = [1, 2, 3]
class Base:
    """The base.

    Args:
        path: where it
            lies.
        size (int): in :class:`pixels`, ``8`` or more.

    Raises:
        ValueError: never.
    """
    def __init__(self, path: "str | None", /, size: int = DEFAULT, *rest, mode="fast", parts=HUGE, **more): ...
class Renamed(Base):
    pass
class Init:
    def __init__(self, a):
        """Made. By hand.

        Args:
            a: of __init__.
        """
try:
    import torch
    class New:
        def __new__(cls, b: float = -1.5): ...
except ImportError:
    pass
@dataclass
class Data:
    """Held.

    Attributes:
        x: first.
    """
    x: int
    y: str = "no"
    _z: int = 0
async def function(c, *, d: bool = True):
    """Does."""
from .kinds import Speed as Pace, Path
def named(pace: Pace = "fast", one: "Pace | None" = None, where: Path = ".", odd: "no: python" = 1): ...
broken = 3
''',
}


PACKAGE["boom/inner/kinds.py"] = (
    "from typing import Literal\nfrom pathlib import Path\nSpeed = Literal['fast', 'slow']\n"
)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in PACKAGE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


BASE = (
    Argument("path", "str | None", "", "where it lies."),
    Argument("size", "int", "7", "in pixels, 8 or more."),
    Argument("mode", "", "'fast'"),
    Argument("parts", "", "HUGE"),
)


@pytest.mark.parametrize(
    ("target", "summary", "arguments"),
    [
        ("boom:Public", "The base.", BASE),
        ("boom.inner:Renamed", "The base.", BASE),
        ("boom.inner.deep:Init", "", (Argument("a", doc="of __init__."),)),
        ("boom.inner.deep:New", "", (Argument("b", "float", "-1.5"),)),
        ("boom.inner.deep:Data", "Held.", (Argument("x", "int", "", "first."), Argument("y", "str", "'no'"))),
        ("boom.inner.deep:function", "Does.", (Argument("c"), Argument("d", "bool", "True"))),
    ],
)
def test_read_without_import(package: Path, target: str, summary: str, arguments: tuple[Argument, ...]) -> None:
    found = signature_of(target)
    assert found is not None and (found.summary, found.arguments) == (summary, arguments)


def test_a_file_by_its_path(package: Path) -> None:
    found = signature_of(f"{package}/boom/inner/deep.py:Renamed")
    assert found is not None and found.arguments == BASE


@pytest.mark.parametrize(
    "target",
    [
        "boom:Nothing",
        "boom.nothing:X",
        "nothing_at_all:X",
        "boom.inner.deep:broken",
        "./nothing.py:X",
        "math:pi",
        ":X",
        "X",
    ],
)
def test_what_no_source_tells(package: Path, target: str) -> None:
    assert signature_of(target) is None


def test_a_file_that_is_no_python(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_bytes(b"\xff\x00class X: (")
    assert signature_of(f"{tmp_path}/x.py:X") is None


@pytest.mark.parametrize(("registry", "name"), REGISTERED)
def test_what_is_registered_is_told_as_it_is(registry, name: str) -> None:
    """The same names, defaults and need as Python sees; a sentence on the whole and on every argument."""
    found = signature_of(registry.builtin[name])
    assert found is not None and found.summary.endswith((".", ")"))
    parameters = parameters_of(registry.load(name))
    assert parameters is not None
    seen = parameters.named
    assert [item.name for item in found.arguments] == list(seen)
    for item in found.arguments:
        assert item.type and item.doc, f"{name}: {item.name} has no type or no words"
        assert (item.default == "") == (seen[item.name].default is UNKNOWN)


def test_docstrings() -> None:
    assert first_sentence("One\nline; e.g. this. Another.\n\nMore.") == "One line; e.g. this."
    assert first_sentence("") == ""
    assert documented("X.\n\nArgs:\n    a: b\n\n    c (int, optional): d\n        e: f\n\nReturns:\n    g: h") == {
        "a": "b",
        "c": "d e: f",
    }


def test_a_name_that_stands_for_choices_is_told_by_them(package: Path) -> None:
    signature = signature_of("boom.inner.deep:named")
    assert signature is not None
    choices = "Literal['fast', 'slow']"
    assert [item.type for item in signature.arguments] == [choices, f"{choices} | None", "Path", "no: python"]
