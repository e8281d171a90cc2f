"""A task may ask for nothing but a set metric: from the run to the report, with no column of images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import vtbench

TASK = """
name: NAME
version: 1
kind: reconstruction
summary: A distance between sets of images.
data: {}
preprocess: {preset: native@1}
METRICS
block_size: 2
"""


def test_a_set_metric_alone_is_a_task(vt: Callable[..., Any], images: Callable[..., Any], place: Path) -> None:
    images("d", 4)
    (place / "sets-only.yaml").write_text(
        TASK.replace("NAME", "sets-only").replace("METRICS", "set_metrics: [fd_efflite0]")
    )
    done = vt("run", "--task", "sets-only.yaml", "--data", "d", "-t", "jpeg,quality=5", "-t", "identity")
    assert done.code == 0, done.err
    values = {record.model.reference: record.result("fd_efflite0") for record in vtbench.load_records("runs")}
    assert values["jpeg,quality=5"].value > 10 > 1e-6 > abs(values["identity"].value)
    first, second = sorted(str(path.parent) for path in Path("runs").rglob("record.json"))
    for arguments in (("verify", "runs"), ("compare", first, second), ("report", "runs", "-o", "r.html")):
        told = vt(*arguments)
        assert told.code == 0, (arguments, told.err)
    done = vt("rescore", "runs")
    assert done.code == 0 and "fd_efflite0" in done.out, done.err


def test_rates_alone_are_none(vt: Callable[..., Any], images: Callable[..., Any], place: Path) -> None:
    images("d", 4)
    (place / "rates.yaml").write_text(
        TASK.replace("NAME", "rates").replace("METRICS", "code_metrics: [bits_per_pixel]")
    )
    done = vt("run", "--task", "rates.yaml", "--data", "d", "-t", "jpeg,quality=5")
    assert done.code == 2 and "name at least one metric beside code_metrics" in done.err
