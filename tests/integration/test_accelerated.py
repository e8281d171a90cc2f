"""One generator under several strategies: sampled, recorded, and set side by side in one row."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vtbench.results.comparing.acceleration.row import Acceleration
from vtbench.results.comparing.acceleration.tables import cells
from vtbench.results.comparing.compare import compare
from vtbench.results.records.record import load_records
from vtbench.run.measuring.pairs import with_image_scores

CommandLine = Callable[..., Any]
TASK = """
name: few
version: 1
kind: generation
summary: A few samples against a few crops.
conditions: {of: classes, classes: 3, count: 12}
reference: {data: "scenes-mini,count=30"}
preprocess: {preset: native@1}
set_metrics: [fd_efflite0]
code_metrics: [tokens_per_image]
block_size: 6
previews: {fixed: 1, worst: 0}
"""
MODELS = ("tiny-ar", "tiny-ar,strategy=sjd,window=8", "tiny-ar,strategy=sjd,window=1", "tiny-ar,strategy=gsd")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, command_in: CommandLine) -> Path:
    place = tmp_path_factory.mktemp("accelerated")
    (place / "few.yaml").write_text(TASK)
    models = [word for name in MODELS for word in ("-g", name)]
    done = command_in(place, "run", *models, "--task", "few.yaml", "--samples", "images")
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture(scope="module")
def rows(runs: Path) -> dict[str, Acceleration]:
    report = compare([runs / "runs", "tiny-ar"])
    return {row.candidate: with_image_scores(row, *sides) for row, *sides in report.costs(asked=False)}


def test_the_record_tells_what_a_strategy_did(runs: Path) -> None:
    found = {record.model.label: record for record in load_records(runs / "runs")}
    plain, sjd, lossy = (found[MODELS[place]] for place in (0, 1, 3))
    assert plain.performance.steps_per_image == plain.performance.tokens_sampled_per_image == 64
    assert plain.performance.tokens_computed_per_image == 64 and plain.performance.drafts_proposed is None
    cost = sjd.performance
    assert cost.drafts_proposed and cost.drafts_accepted and 0 < cost.drafts_accepted < cost.drafts_proposed
    assert cost.steps_per_image == pytest.approx(64 - cost.drafts_accepted / 12)
    assert cost.tokens_computed_per_image and cost.tokens_computed_per_image > 64
    assert cost.kv_cache_bytes == cost.kv_cache_bytes_at_end == plain.performance.kv_cache_bytes
    assert cost.weight_bytes == plain.performance.weight_bytes == 4 * plain.model.parameters and not cost.models
    assert cost.sample_decode_s_per_image and cost.sample_s_per_image
    assert cost.sample_decode_s_per_image > cost.sample_s_per_image > 0
    assert sjd.model.sampler["strategy"] == "sjd" and sjd.model.sampler["strategy_lossless"] is True
    assert lossy.model.sampler["strategy_lossless"] is False
    assert any("gsd is lossy" in warning for warning in lossy.warnings)
    assert not any("lossy" in warning for warning in sjd.warnings)


def test_one_row_holds_gain_and_cost(rows: dict[str, Acceleration]) -> None:
    assert set(rows) == set(MODELS[1:])
    sjd, same, lossy = (rows[name] for name in MODELS[1:])
    assert sjd.speed and sjd.speed_with_decoding and sjd.steps and sjd.steps > 1
    assert sjd.cache == sjd.cache_at_end == sjd.weights == 1
    assert sjd.memory is None and any("whole process" in told for told in sjd.missing)
    assert sjd.pairs == 12 and sjd.equal_codes is not None and 0 < sjd.equal_codes < 1 and sjd.equal_images == 0
    assert sjd.psnr is not None and 5 < sjd.psnr < 40 and set(sjd.distances) == {"fd_efflite0"}
    assert (same.equal_codes, same.equal_images, same.psnr, same.steps) == (1, 1, float("inf"), 1)
    assert same.distances["fd_efflite0"][0] == same.distances["fd_efflite0"][1]
    assert cells(lossy)[1] == "gsd (lossy)" and cells(same)[11] == "∞"


def test_the_command_prints_the_row(runs: Path, command_line: CommandLine) -> None:
    beside = command_line("compare", "runs", "tiny-ar", MODELS[1], "--format", "md", cwd=runs)
    assert beside.returncode == 0, beside.stderr
    assert "| fd\\_efflite0 |" in beside.stdout and "| sjd |" in beside.stdout and "give --images" in beside.stdout
    alone = command_line("compare", "runs", "tiny-ar", MODELS[1], "--cost", "--json", cwd=runs)
    (row,) = json.loads(alone.stdout)
    assert row["candidate"] == MODELS[1] and row["lossless"] is True and row["psnr"] is None
    plain = command_line("compare", "runs", "tiny-ar", MODELS[1], "--json", cwd=runs)
    assert "verdict" in json.loads(plain.stdout)[0]  # what machines read stays as it was


def test_what_cannot_be_paired_is_told(runs: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(runs, tmp_path / "copied") / "runs"
    folder = next(copied.glob("few/*gsd*/*"))
    shutil.rmtree(folder / "blocks")
    report = compare([copied, "tiny-ar", MODELS[3]])
    ((row, *sides),) = report.costs(asked=False)
    assert row.equal_codes is None and any("--fresh" in told for told in row.missing)
    picture = next((copied.parent / "images" / "tiny-ar-strategy=gsd").glob("*.png"))
    Image.fromarray(np.zeros((64, 64, 3), dtype=np.uint8)).save(picture)
    record = sides[1].record
    assert record is not None
    later = record.finished.timestamp() + 60
    os.utime(picture, (later, later))
    scored = with_image_scores(row, *sides)
    assert scored.psnr is None and any("written anew" in told for told in scored.missing)


def test_a_setting_by_number_is_recorded_and_met_again(place: Path, vt: CommandLine) -> None:
    (place / "few.yaml").write_text(TASK)
    pruned = "zoo-var,strategy=fastvar,prune={8: 0.75}"
    done = vt("run", "-g", pruned, "--task", "few.yaml", "--json")
    assert done.code == 0, done.err
    (record,) = [record for record in load_records(place / "runs") if record.model.kind == "generator"]
    assert record.model.args["prune"] == {"8": 0.75} and record.model.reference == pruned
    assert record.model.sampler["strategy_pruned"] == {"8x8": 0.75}
    assert "reused the record" in vt("run", "-g", pruned, "--task", "few.yaml", "--json").err
