"""Workers of Ray and elements of an array, real ones: one is killed, and the record is that of a single process."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vtbench.results.records.record import RunRecord, load_records

CommandLine = Callable[..., Any]
DYING = '''
import os, signal
from pathlib import Path
from grains import Grains


class Dying(Grains):
    """Takes its process with it, once, in the middle."""

    calls = 0

    def encode(self, images, seeds):
        Dying.calls += 1
        marker = Path(os.environ.get("DYING_MARKER", "."))
        if Dying.calls == 2 and not marker.exists():
            marker.write_text("")
            os.kill(os.getpid(), signal.SIGKILL)
        return super().encode(images, seeds)
'''
SAMPLES = ("images-alone", "images-ray")
SAMPLED = """
name: sampled
version: 1
kind: generation
summary: A few samples against a few crops.
conditions: {of: classes, classes: 3, count: 12}
reference: {data: "scenes-mini,count=12"}
preprocess: {preset: native@1}
set_metrics: [fd_efflite0]
code_metrics: [codebook_usage]
block_size: 4
previews: {fixed: 2, worst: 0}
"""


@pytest.fixture
def models_and_tasks(workplace: Path) -> list[str]:
    (workplace / "dying.py").write_text(DYING)
    (workplace / "sampled.yaml").write_text(SAMPLED)
    tasks = ("--task", "small.yaml", "--task", "sampled.yaml", "--limit", "12", "--allow-small-sets")
    return ["run", *tasks, "-t", "./dying.py:Dying", "-g", "tiny-ar", "--json"]


def results(folder: Path) -> dict[str, RunRecord]:
    return {record.task.name: record for record in load_records(folder)}


def test_workers_of_ray_find_what_one_process_finds(
    workplace: Path, models_and_tasks: list[str], command_line: CommandLine
) -> None:
    pytest.importorskip("ray", reason="pip install ray")
    alone = command_line(*models_and_tasks, "--out", "alone", "--samples", "images-alone", "--workers", "0")
    assert alone.returncode == 0, alone.stderr
    marker = workplace / "dead"
    ray = ("--out", "ray", "--samples", "images-ray", "--launcher", "ray", "--world", "2")
    done = command_line(*models_and_tasks, *ray, env={"DYING_MARKER": str(marker)})
    assert done.returncode == 0, done.stderr
    assert marker.exists() and "is lost" in done.stderr
    expected, found = results(workplace / "alone"), results(workplace / "ray")
    assert {name: record.results_digest() for name, record in found.items()} == {
        name: record.results_digest() for name, record in expected.items()
    }
    assert any("was lost with it" in event for event in found["small"].performance.events)
    images = [{path.name: path.read_bytes() for path in (workplace / name).rglob("*.png")} for name in SAMPLES]
    assert images[0] == images[1] and len(images[0]) == 12
    again = command_line(*models_and_tasks, "--out", "ray", "--workers", "0")  # here: nothing is measured any more
    assert "reused" in again.stderr and again.returncode == 0
    told = command_line("status", "ray", "--json")
    assert told.returncode == 0 and {row["state"] for row in json.loads(told.stdout)} == {"complete"}


def test_elements_of_an_array_share_the_blocks(workplace: Path, command_line: CommandLine) -> None:
    pytest.importorskip("submitit", reason="pip install submitit")
    run = ("run", "--task", "small.yaml", "--limit", "12", "-t", "./grains.py:Grains", "--json")
    submitted = command_line(
        *run, "--out", "array", "--launcher", "slurm", "--world", "2", "--slurm", "cluster=local,time=5"
    )
    assert submitted.returncode == 0, submitted.stderr
    assert len(json.loads(submitted.stdout)) == 2 and "vtbench status array" in submitted.stderr
    until = time.monotonic() + 240
    while time.monotonic() < until and not list((workplace / "array").rglob("record.json")):
        time.sleep(0.5)
    (record,) = load_records(workplace / "array")
    assert record.data.n_scored == 12
    shares = {path.name for path in (workplace / "array" / ".workers").glob("*.lock")}
    assert shares == {"0-of-2.lock", "1-of-2.lock"}
    alone = command_line(*run, "--out", "alone", "--workers", "0")
    assert alone.returncode == 0, alone.stderr
    assert results(workplace / "alone")["small"].results_digest() == record.results_digest()
