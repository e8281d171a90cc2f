"""Room on the disk is asked for by what a job keeps, told before any work, and small jobs ask for little."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vtbench.core.errors import StorageFullError
from vtbench.features import EXTRACTORS
from vtbench.run import room
from vtbench.run.options import RunOptions
from vtbench.run.planning.jobs import JobPlan
from vtbench.run.storing.blocks import split_blocks
from vtbench.tasks import TaskSpec

Usage = namedtuple("Usage", "total used free")


def task(**changes: Any) -> TaskSpec:
    told = {"name": "t", "version": 1, "kind": "reconstruction", "summary": "s", "preprocess": {"preset": "native@1"},
            "image_metrics": ["psnr"], "block_size": 100, "previews": {"fixed": 0, "worst": 0}}  # fmt: skip
    return TaskSpec.model_validate(told | changes)


def job(out: Path, spec: TaskSpec, samples: int, **options: Any) -> JobPlan:
    data: Any = SimpleNamespace(
        task=spec, ids=range(samples), fingerprint="f", blocks=split_blocks(samples, spec.block_size)
    )
    plan: Any = SimpleNamespace(
        task=spec,
        data=data,
        source=None,
        options=RunOptions(out=out, **options),
        store=SimpleNamespace(rows_path=lambda block: out / f"{block.index}.parquet"),
    )
    made: JobPlan = plan
    return made


def test_features_decide_for_large_sets(tmp_path: Path) -> None:
    spec = task(set_metrics=["fid", "fd_dinov2"])
    parts = room.room_of([job(tmp_path, spec, 50_000)])
    assert parts["features"] == parts["reference features"] == 50_000 * (2048 + 1024) * 4
    assert room.room_of([job(tmp_path, spec, 100_000)])["features"] == 2 * parts["features"]
    both = room.room_of([job(tmp_path, spec, 50_000), job(tmp_path, spec, 50_000)])
    assert both["features"] == 2 * parts["features"] and both["reference features"] == parts["reference features"]


def test_what_is_measured_asks_for_nothing(tmp_path: Path) -> None:
    spec = task(set_metrics=["fid"])
    for index in range(9):
        (tmp_path / f"{index}.parquet").write_bytes(b"")
    assert room.room_of([job(tmp_path, spec, 1000)])["features"] == 100 * 2048 * 4
    assert room.room_of([job(tmp_path, spec, 1000, fresh=True)])["features"] == 1000 * 2048 * 4
    (tmp_path / "9.parquet").write_bytes(b"")
    assert sum(room.room_of([job(tmp_path, spec, 1000)]).values()) == 0


def test_references_that_are_there_are_not_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / ".references" / "k").mkdir(parents=True)
    (tmp_path / ".references" / "k" / "00000.safetensors").write_bytes(bytes(100 * 2048 * 4))
    assert room.room_of([job(tmp_path, task(set_metrics=["fid"]), 1000)])["reference features"] == 900 * 2048 * 4


def test_pictures_count_at_their_size(tmp_path: Path) -> None:
    preset = {"preset": "adm@1", "size": 256}
    few = room.room_of([job(tmp_path, task(preprocess=preset, previews={"fixed": 4, "worst": 0}), 50_000)])
    assert few["previews"] == 4 * 3 * 3 * 256**2


@pytest.mark.parametrize("name", EXTRACTORS.builtin)
def test_every_shipped_extractor_says_how_wide_it_is(name: str) -> None:
    extractor = EXTRACTORS.load(name)
    assert set(extractor.widths) == set(extractor.features) and min(extractor.widths.values()) > 100


def test_widths_are_what_a_call_returns() -> None:
    import torch

    extractor = EXTRACTORS.load("efflite0")()
    found = extractor(torch.zeros(1, 3, 32, 32, dtype=torch.uint8))
    assert {name: rows.shape[1] for name, rows in found.items()} == extractor.widths


@pytest.mark.parametrize(
    ("free", "samples", "enough"), [(3 << 20, 12, True), (300 << 20, 50_000, False), (1 << 30, 50_000, True)]
)
def test_the_disk_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, samples: int, enough: bool
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(0, 0, free))
    problems = room.check_room([job(tmp_path, task(set_metrics=["fid"]), samples)])
    assert (not problems) == enough
    if not enough:
        (problem,) = problems
        assert isinstance(problem, StorageFullError) and problem.exit_code == 1
        assert str(problem).startswith(f"{tmp_path}: 315 MB free, about 92") and "features 410 MB" in str(problem)
