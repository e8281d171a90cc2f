"""The parameter's annotation decides what the text of an argument becomes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NewType

import pytest
from pydantic import BaseModel

from vtbench.core.errors import UsageError
from vtbench.core.naming.arguments import bind, recorded
from vtbench.core.naming.reference import Reference, parse_reference

if TYPE_CHECKING:
    from nowhere import Unresolvable

Pixels = NewType("Pixels", int)


class Mode(Enum):
    FAST = "fast"
    EXACT = 2


def takes(annotation: Any) -> Callable[..., Any]:
    def target(a: Any) -> None: ...

    target.__annotations__["a"] = annotation
    return target


def read(annotation: Any, typed: str) -> Any:
    return bind(takes(annotation), parse_reference(f"t,a={typed}"), "thing")["a"]


NUMBER_LIKE = [
    "2024", "1234567", "12e4567", "1e5", "1.50", "007", "true", "False", "null", "~x", "0x10", "1_000", ".inf",
    "2024-05-13", "yes", "run #2", "#2", "a: b", "- a", "!important", "*star", "&amp", "it's", "4:2:0", "x=y", "[a]",
    "{a}",
]  # fmt: skip


@pytest.mark.parametrize("text", NUMBER_LIKE)
@pytest.mark.parametrize("annotation", [str, str | None, "Optional[str]", "Union[str, None]", Annotated[str, "why"]])
def test_text_is_text_as_typed(text: str, annotation: Any) -> None:
    assert read(annotation, text) == text


@pytest.mark.parametrize("text", NUMBER_LIKE)
@pytest.mark.parametrize("annotation", [Path, Path | None, "os.PathLike[str]"])
def test_so_is_a_path(text: str, annotation: Any) -> None:
    assert read(annotation, text) == Path(text)


@pytest.mark.parametrize(
    ("annotation", "typed", "value"),
    [
        (str, "'run #2'", "run #2"),
        (str, "'it''s'", "it's"),
        (str, '"a\\tb"', "a\tb"),
        (str, "'50'", "50"),
        (int, "50", 50),
        (int, "'50'", 50),
        (int, "0x10", 16),
        (float, "5", 5.0),
        (float, "1e-3", 1e-3),
        (bool, "true", True),
        (bool, "'False'", False),
        (int | None, "null", None),
        (int | None, "~", None),
        (int | None, "3", 3),
        (int | float, "5", 5),
        (float | int, "5", 5),
        (float | int, "5.5", 5.5),
        (str | int, "50", 50),
        (str | int, "'50'", "50"),
        (str | int, "50px", "50px"),
        (str | int, "true", "true"),
        (str | int, "1e5", "1e5"),
        (bool | str, "true", True),
        (bool | str, "inductor", "inductor"),
        (str | list[str], "[a,2024]", ["a", "2024"]),
        (str | list[str], "a", "a"),
        (list[str], "[2024, 1e5, 'x y', null]", ["2024", "1e5", "x y", "null"]),
        (list[int], "[1,2]", [1, 2]),
        (tuple[int, int], "[1,2]", (1, 2)),
        (tuple[float, ...], "[1,2,3]", (1.0, 2.0, 3.0)),
        ("tuple", "[1,x]", (1, "x")),
        (Sequence[str], "[1,x]", ["1", "x"]),
        (dict[str, float], "{a: 1}", {"a": 1.0}),
        (dict, "{a: [1,x]}", {"a": [1, "x"]}),
        (Literal["a", "50"], "50", "50"),
        (Literal[4, 8], "8", 8),
        (Literal["a"] | None, "null", None),
        (Mode, "fast", Mode.FAST),
        (Mode, "EXACT", Mode.EXACT),
        (Pixels, "7", 7),
        (Any, "7", 7),
        ("Unresolvable", "7", 7),
        ("Unresolvable.inner[str]", "7", 7),
        ("str | Unresolvable", "7", "7"),
        ("Unresolvable | str | None", "null", "null"),
        ("int | Unresolvable | None", "7", 7),
        ("list[Unresolvable]", "[7]", [7]),
        (complex, "7", 7),
    ],
)
def test_what_the_annotation_makes_of_it(annotation: Any, typed: str, value: Any) -> None:
    made = read(annotation, typed)
    assert made == value and type(made) is type(value)


@pytest.mark.parametrize(
    ("annotation", "typed", "words"),
    [
        (int, "true", "a takes a whole number"),
        (int, "5.5", "a takes a whole number"),
        (int, "many", "a=many"),
        (int, "", "a takes a whole number"),
        (int, "5 #six", "a=5 #six"),
        (float, "false", "a takes a number"),
        (float, "1e999", "a takes a number"),
        (bool, "1", "a takes true or false"),
        (int | None, "x", "a takes a whole number or None"),
        (Literal["nearest", "bicubic"], "bicubc", "one of 'nearest', 'bicubic'; did you mean bicubic?"),
        (Literal[4, 8], "9", "one of 4, 8"),
        (list[int], "3", r"a takes a list of a whole number, as in \[1,2\]"),
        (list[int], "[1,x]", "a takes a whole number"),
        (tuple[int, int], "[1,2,3]", "2 values"),
        (dict[str, int], "[1]", "a takes a mapping"),
        (Mode, "slow", "one of fast, 2"),
    ],
)
def test_what_it_refuses(annotation: Any, typed: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read(annotation, typed)


def test_without_an_annotation_yaml_decides_and_nothing_is_cut() -> None:
    def target(a, b, c, path, checkpoint, revision, name, image_file, weights=None): ...

    text = "t,a=1e5,b=x #2,c=1 #2,path=2024,checkpoint=null,revision=1e5,name=7,image_file=true,weights=true"
    assert bind(target, parse_reference(text), "thing") == {
        "a": 1e5, "b": "x #2", "c": "1 #2", "path": "2024", "checkpoint": None, "revision": "1e5", "name": "7",
        "image_file": "true", "weights": True,
    }  # fmt: skip


def test_one_annotation_that_cannot_be_resolved_leaves_the_others() -> None:
    def target(path: str, other: Unresolvable, size: int = None) -> None: ...  # noqa: RUF013

    made = bind(target, parse_reference("t,path=2024,other=5,size=null"), "thing")
    assert made == {"path": "2024", "other": 5, "size": None}


class Plain:
    def __init__(self, path: str, size: int = 1) -> None: ...


class Child(Plain):
    pass


class Made:
    def __new__(cls, path: str, size: int = 1) -> Made:
        return super().__new__(cls)


@dataclass
class Data:
    path: str
    size: int = 1


class Model(BaseModel):
    path: str
    size: int = 1


class Called:
    def __call__(self, path: str, size: int = 1) -> None: ...


def function(path: str, size: int = 1, more: str = "") -> None: ...


def gathering(size: int = 1, **rest: str) -> None: ...


TARGETS = [
    Plain,
    Child,
    Made,
    Data,
    Model,
    Called(),
    function,
    partial(function, more="x"),
    gathering,
    Plain("").__init__,
]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: re.sub(r" (object )?at 0x\w+", "", repr(target)))
def test_whatever_is_called(target: Callable[..., Any]) -> None:
    assert bind(target, parse_reference("t,path=2024,size='3'"), "thing") == {"path": "2024", "size": 3}
    with pytest.raises(UsageError, match="thing t: size=true"):
        bind(target, parse_reference("t,path=2024,size=true"), "thing")


def test_home_is_expanded_wherever_a_path_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", "/somebody")
    monkeypatch.chdir(tmp_path)

    def target(path: str, place: Path, files: list[str], note: str, checkpoint=None, weights: str | None = None): ...

    text = "t,path=~/a,place=~,files=[~/b,c],note=~/d,checkpoint=~/e,weights=~nobody-of-that-name/x"
    assert bind(target, parse_reference(text), "thing") == {
        "path": "/somebody/a", "place": Path("/somebody"), "files": ["/somebody/b", "c"], "note": "~/d",
        "checkpoint": "/somebody/e", "weights": "~nobody-of-that-name/x",
    }  # fmt: skip
    literal = bind(takes(Path), parse_reference("t,a=./~/x"), "thing")["a"]
    assert literal == tmp_path / "~/x" == literal.expanduser(), "nobody expands it later"


def test_values_of_python_and_of_yaml_files_are_checked_too() -> None:
    made = bind(function, Reference("t", {"path": "~", "size": 2}), "thing")
    assert made == {"path": os.path.expanduser("~"), "size": 2}  # noqa: PTH111
    with pytest.raises(UsageError, match="path takes text"):
        bind(function, Reference("t", {"path": 2024}), "thing")


def test_what_a_record_holds() -> None:
    assert recorded({"a": Path("x"), "b": (1, 2), "c": Mode.FAST, "d": {"e": Path("y")}, "f": {2, 1}}) == {
        "a": "x", "b": [1, 2], "c": "fast", "d": {"e": "y"}, "f": [1, 2],
    }  # fmt: skip


def test_optional_arguments_reach_those_who_take_them() -> None:
    assert bind(Plain, parse_reference("t,path=x,name=n"), "thing", ("name",)) == {"path": "x"}
    assert bind(gathering, parse_reference("t,name=n"), "thing", ("name",)) == {}
    with pytest.raises(UsageError, match="name"):
        bind(Plain, parse_reference("t,path=x,name=n"), "thing")


@pytest.mark.parametrize(
    ("annotation", "typed", "value"),
    [
        (int | None, "None", None),
        ("Optional[int]", "null", None),
        (Literal["a", None], "None", None),
        (str | None, "None", "None"),
        (int | None, "'5'", 5),
        (Literal[1, True], "true", True),
        (Mode, "'2'", Mode.EXACT),
        (Mode, "2", Mode.EXACT),
        (Mode, "EXACT", Mode.EXACT),
    ],
)
def test_nothing_and_members_by_their_type(annotation: Any, typed: str, value: Any) -> None:
    found = read(annotation, typed)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("annotation", "typed"), [(Mode, "2.0"), (Literal[1], "true"), (Literal[True], "1"), (int | None, "'None'")]
)
def test_equal_in_python_is_not_the_same(annotation: Any, typed: str) -> None:
    with pytest.raises(UsageError, match="takes"):
        read(annotation, typed)


def test_a_number_beyond_floats_is_refused() -> None:
    assert read(int, "1" * 400) == int("1" * 400)
    with pytest.raises(UsageError, match=r"a takes a number, of at most 2e\+308"):
        read(float, "1" * 400)


@pytest.mark.parametrize("typed", ["", "''", "'  '"])
@pytest.mark.parametrize("name", ["path", "image_folder", "checkpoint"])
def test_an_empty_path_is_no_current_folder(name: str, typed: str) -> None:
    def target(path: str = ".", image_folder: Path | None = None, checkpoint=None) -> None: ...  # type: ignore[no-untyped-def]

    with pytest.raises(UsageError, match=f"{name} is empty\n.*{name}=[.] for the current folder, or leave it out"):
        bind(target, parse_reference(f"t,{name}={typed}"), "thing")


def test_an_empty_path_that_is_the_default_may_be_given() -> None:
    def target(path: str = "", text: str = "x") -> None: ...

    assert bind(target, parse_reference("t,path=,text="), "thing") == {"path": "", "text": ""}
