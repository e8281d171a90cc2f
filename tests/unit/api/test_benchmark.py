"""The benchmark of second calls, tiny: what it counts is what it says; nothing here looks at a clock."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
LENT = ("bench_evaluator", "machine", "reporting", "photographs", "networks")


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module("bench_evaluator")
    for name in LENT:
        sys.modules.pop(name, None)


def test_a_second_call_decodes_nothing_and_takes_features_of_predictions(bench: ModuleType, tmp_path: Path) -> None:
    images = bench.write_images(tmp_path / "images", 3, 64)
    (row, _) = bench.compare(tmp_path, images, ["fd_efflite0"], 1)
    assert row[0] == bench.NAMES["fd_efflite0"] and row[-2:] == ["3, 6", "0, 3"]
    assert all(call.seconds > 0 for call in bench.measure("folder", images))


def test_its_page_has_the_section_it_writes(bench: ModuleType) -> None:
    page = (BENCHMARKS / "README.md").read_text(encoding="utf-8")
    assert "bench_evaluator.py" in page and page.count("<!-- evaluator: begin -->") == 1
