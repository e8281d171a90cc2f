"""One reference for a model at several settings."""

from __future__ import annotations

import pytest

from vtbench.core.errors import UsageError
from vtbench.core.naming.reference import parse_reference
from vtbench.core.naming.sweeps import swept


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("jpeg,quality=10", ["jpeg,quality=10"]),
        ("jpeg,quality=10|30", ["jpeg,quality=10", "jpeg,quality=30"]),
        ("x,a=1 | 2.5,b=text", ["x,a=1,b=text", "x,a=2.5,b=text"]),
        ("x,a=1|2,b=true|false", ["x,a=1,b=true", "x,a=1,b=false", "x,a=2,b=true", "x,a=2,b=false"]),
        ("./my|file.py:Mine,a=1|2", ["./my|file.py:Mine,a=1", "./my|file.py:Mine,a=2"]),
        # text may hold a bar
        ("x,path=run|2", ["x,path=run|2"]),
        ("x,path='1|2'", ["x,path='1|2'"]),
        ("x,a=1|", ["x,a=1|"]),
        ("x,sizes=[1|2]", ["x,sizes=[1|2]"]),
    ],
)
def test_numbers_between_bars_are_so_many_references(text: str, meant: list[str]) -> None:
    assert swept([text]) == meant
    for one in meant:
        assert str(parse_reference(one)) == one


def test_all_else_stays_as_it_was_typed_right_or_wrong() -> None:
    assert swept(["webp", "jpeg,quality", "x,a=1|2", ""]) == ["webp", "jpeg,quality", "x,a=1", "x,a=2", ""]
    with pytest.raises(UsageError, match="not key=value"):
        swept(["x,a=1|2,b"])
