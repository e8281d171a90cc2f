"""Runs made up row by row, for what only reads records."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def runs() -> ModuleType:
    path = Path(__file__).parents[1] / "benchmarks" / "synthetic_runs.py"
    spec = importlib.util.spec_from_file_location("synthetic_runs", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
