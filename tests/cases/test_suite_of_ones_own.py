"""A suite of one's own: run, shown and fetched by its path, its tasks taken from its folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SUITE = """
summary: The quick task, in its folder.
tasks: [./quick.yaml]
tokenizers: [identity, "resize,factor=2"]
"""


@pytest.fixture
def suite(place: Path) -> str:
    (place / "sub").mkdir()
    (place / "quick.yaml").rename(place / "sub" / "quick.yaml")
    (place / "sub" / "my-suite.yaml").write_text(SUITE)
    return "sub/my-suite.yaml"


def test_it_runs_its_tasks_with_its_models_or_others(
    suite: str, vt: Callable[..., Any], images: Callable[..., Any]
) -> None:
    images("d", 2)
    done = vt("run", "--suite", suite, "--data", "d", "--json")
    assert done.code == 0, done.err
    assert [row["model"] for row in done.rows] == ["identity", "resize,factor=2"]
    other = vt("run", "--suite", suite, "--data", "d", "-t", "jpeg", "--json")
    assert other.code == 0 and [row["model"] for row in other.rows] == ["jpeg"]


def test_it_is_shown_whole_and_fetched(suite: str, vt: Callable[..., Any]) -> None:
    shown = {row["field"]: row["value"] for row in vt("show", suite, "--json").rows}
    assert shown["kind"] == "suite" and shown["tasks"] == "sub/quick.yaml"
    assert shown["tokenizers"].split() == ["identity", "resize,factor=2"]
    assert vt("show", "sub/quick.yaml").out.startswith("field\tvalue\nkind\ttask")
    assert vt("fetch", "--suite", suite).code == 0


def test_what_is_wrong_is_told_by_name(suite: str, vt: Callable[..., Any], place: Path) -> None:
    missing = vt("run", "--suite", "absent.yaml", "-t", "identity")
    assert missing.code == 2 and "absent.yaml" in missing.err
    assert "did you mean mini" in vt("run", "--suite", "minni").err
    (place / suite).write_text(SUITE.replace("quick", "slow"))
    gone = vt("run", "--suite", suite, "-t", "identity")
    assert gone.code == 2 and "slow.yaml" in gone.err and gone.out == ""
