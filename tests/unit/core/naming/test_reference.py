"""``NAME,key=value``: what is read, what is refused, and that printing and reading are inverse."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vtbench.core.digests import canonical_json
from vtbench.core.errors import UsageError
from vtbench.core.naming.reference import Reference, parse_reference


@pytest.mark.parametrize(
    ("text", "target", "args"),
    [
        ("jpeg", "jpeg", {}),
        (" jpeg ", "jpeg", {}),
        ("jpeg,quality=10", "jpeg", {"quality": 10}),
        ("jpeg, quality = 10 ,optimize=true", "jpeg", {"quality": 10, "optimize": True}),
        ("jpeg,subsampling=4:2:0", "jpeg", {"subsampling": "4:2:0"}),
        ("t,sizes=[1,2],more={a: 1, b: [x,y]}", "t", {"sizes": [1, 2], "more": {"a": 1, "b": ["x", "y"]}}),
        ("t,a=", "t", {"a": ""}),
        ("t,a=null,b='null'", "t", {"a": None, "b": "null"}),
        ("t,a=x=y", "t", {"a": "x=y"}),
        ("t,a='x, y',b=\"[\"", "t", {"a": "x, y", "b": "["}),
        ("./mine.py:Mine,checkpoint=w.safetensors", "./mine.py:Mine", {"checkpoint": "w.safetensors"}),
        ("./mine.py:Mine,note=it's", "./mine.py:Mine", {"note": "it's"}),
        ("pkg.mod:Class,lr=0.5,eps=1e-6", "pkg.mod:Class", {"lr": 0.5, "eps": 1e-6}),
        ("t,revision=2024-05-13,size=0x10", "t", {"revision": "2024-05-13", "size": 16}),
        ("t,a=[2024-05-13, yes, ~],b=0123,c=.inf", "t", {"a": ["2024-05-13", "yes", None], "b": "0123", "c": ".inf"}),
        ("t,revision=2024-99-99", "t", {"revision": "2024-99-99"}),
        ("t,path=run #2,quality=1", "t", {"path": "run #2", "quality": 1}),
        ("t,a=1 #2,b=# 3,c=[x] #4", "t", {"a": "1 #2", "b": "# 3", "c": "[x] #4"}),
        ("t,a=12e4567,b=1e999", "t", {"a": "12e4567", "b": "1e999"}),
        (
            "t,a=b: c,b=!!binary aGk=,c=*x,d=&y z,e=- f,f=]",
            "t",
            {"a": "b: c", "b": "!!binary aGk=", "c": "*x", "d": "&y z", "e": "- f", "f": "]"},
        ),
    ],
)
def test_read(text: str, target: str, args: dict[str, Any]) -> None:
    assert parse_reference(text) == Reference(target, args)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        ",quality=1",
        "jpeg,quality",
        "jpeg,",
        "jpeg,=1",
        "jpeg,two words=1",
        "jpeg,a=1,a=2",
        "jpeg,a=[1",
        "jpeg,a='open",
        "jpeg,a='one' two",
        "jpeg,a=x[1,b=2",
        "jpeg,a=[1 #2]",
        "jpeg,a=[!!timestamp 2024-05-13]",
        "jpeg,a={b: 1, b: 2}",
        "jpeg,a={b: !!python/name:os.system }",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_reference(text)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
TARGETS = st.sampled_from(["jpeg", "patch-vq", "pkg.mod:Class", "./dir/mine.py:Mine"])


@given(target=TARGETS, args=st.dictionaries(KEYS, VALUES, max_size=3))
@example(target="t", args={"path": "/data/a,b=c"})
@example(target="t", args={"a": "x]", "b": "[y", "c": 'it\'s, "quoted"'})
@example(target="t", args={"a": "1e-3", "b": "2024-05-13", "c": "yes", "d": "0x_"})
@example(target="t", args={"a": "line\nbreak", "b": " padded ", "c": "#no comment", "d": "a: b", "e": "="})
def test_printing_and_reading_are_inverse(target: str, args: dict[str, Any]) -> None:
    reference = Reference(target, args)
    assert parse_reference(str(reference)) == reference


@given(st.text(max_size=30))
@example("t,a=0x_")
@example("t,a==")
@example("t,a=*nowhere")
@example("t,a=\x00")
@example("t,a=[{1: 2}: 3]")
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        reference = parse_reference(f"t,a={text}")
    except UsageError:
        return
    assert reference.target == "t"


@given(VALUES)
def test_what_is_read_can_be_digested(value: Any) -> None:
    assert canonical_json(parse_reference(str(Reference("t", {"a": value}))).args)


def test_floats_keep_every_bit() -> None:
    for value in (0.1, 1 / 3, 1e-300, 5e-324, 1.7976931348623157e308, math.pi):
        assert parse_reference(str(Reference("t", {"a": value}))).args["a"] == value


def test_a_comma_in_a_value_is_told() -> None:
    with pytest.raises(UsageError, match=r"'b' in 't,path=a,b' is not key=value\n.*comma: path='…,…'"):
        parse_reference("t,path=a,b")
    with pytest.raises(UsageError, match="write NAME,key=value"):
        parse_reference("t,50")
