"""An option that nothing in the session reads is refused: whoever gives it believes that it decides something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.mark.parametrize("option", ["--reference", "--samples"])
def test_of_generators_where_there_are_none(vt: Run, images: Run, option: str) -> None:
    images("d", 1)
    done = vt("run", "--task", "quick.yaml", "--data", "d", "-t", "identity", option, "s", "--out", "r")
    assert done.code == 2 and f"{option} is for generators" in done.err, done.err


def test_data_beside_classes(vt: Run, images: Run) -> None:
    images("d", 1)
    done = vt("run", "--task", "generation-mini", "-g", "tiny-ar", "--data", "d", "--limit", "2", "--out", "r")
    assert done.code == 2 and "--data is read by none of generation-mini" in done.err, done.err
    assert "--reference" in done.err
