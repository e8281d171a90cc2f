"""Flags go before the file, field by field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vtbench.run.config.overriding import overridden
from vtbench.run.config.schema import RunConfig

FILE = RunConfig.model_validate(
    {"tokenizers": ["jpeg", "webp"], "generators": ["tiny-ar"], "tasks": ["a", "b"], "limit": 3, "strict": True}
)


@pytest.mark.parametrize(
    ("said", "changed"),
    [
        ({}, {}),
        ({"tokenizers": ["identity"]}, {"tokenizers": ["identity"]}),
        ({"generators": ["x,seed=1", "y"]}, {"generators": ["x,seed=1", "y"]}),
        ({"tasks": ["c"]}, {"tasks": ["c"]}),
        ({"suite": "mini"}, {"tasks": None, "suite": "mini"}),
        ({"limit": 5, "seed": 0}, {"limit": 5, "seed": 0}),
        ({"strict": False}, {"strict": False}),
        ({"out": Path("o"), "samples": Path("s")}, {"out": "o", "samples": "s"}),
    ],
)
def test_a_flag_replaces_its_field_and_no_other(said: dict[str, Any], changed: dict[str, Any]) -> None:
    expected = {key: value for key, value in {**FILE.content, **changed}.items() if value is not None}
    assert overridden(FILE, said).content == expected
    assert FILE.content["tokenizers"] == ["jpeg", "webp"]


def test_tasks_replace_a_suite_and_both_flags_stay_for_whoever_refuses_them() -> None:
    suite = RunConfig.model_validate({"suite": "mini"})
    assert (
        overridden(suite, {"tasks": ["a"]}).content
        == overridden(RunConfig.model_validate({}), {"tasks": ["a"]}).content
    )
    both = overridden(suite, {"tasks": ["a"], "suite": "other"})
    assert both.tasks == ("a",) and both.suite == "other"


def test_what_was_mistyped_is_left_to_whoever_makes_the_model() -> None:
    assert str(overridden(FILE, {"tokenizers": ["jpeg,quality"]}).tokenizers[0]) == "jpeg,quality"
