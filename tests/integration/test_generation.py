"""Generators go the whole way: sampled block by block, killed, resumed, shared among workers, and scored."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vtbench.data.embedded.photographs.scenes_mini import ScenesMini
from vtbench.results.records.record import RunRecord, load_records

CommandLine = Callable[..., Any]
TASK = """
name: few
version: 1
kind: generation
summary: A few samples against a few crops.
conditions: {of: classes, classes: 3, count: 30}
reference: {data: "scenes-mini,count=30"}
preprocess: {preset: native@1}
set_metrics:
  - {name: kid_efflite0, params: {subset_size: 16, subsets: 10}}
  - fd_efflite0
code_metrics: [bits_per_pixel, tokens_per_image, codebook_usage, code_js_divergence]
block_size: 5
previews: {fixed: 4, worst: 0}
"""
GIVEN = """
name: given
version: 1
kind: generation
summary: Samples made elsewhere.
conditions: {of: given}
reference: {}
preprocess: {preset: native@1}
set_metrics: [fd_efflite0, is_efflite0]
block_size: 8
"""
SLOW = '''
import time
from vtbench.generators.fitted.tiny_ar import TinyAr


class Slow(TinyAr):
    """As tiny-ar, with a pause before each batch."""

    def sample_codes(self, conditions, seeds):
        time.sleep(0.3)
        return super().sample_codes(conditions, seeds)


class Broken(TinyAr):
    """Fails on one class."""

    def sample_codes(self, conditions, seeds):
        if any(condition.label == 1 for condition in conditions):
            raise RuntimeError("class 1 is beyond me")
        return super().sample_codes(conditions, seeds)
'''


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "few.yaml").write_text(TASK)
    (tmp_path / "given.yaml").write_text(GIVEN)
    (tmp_path / "mine.py").write_text(SLOW)
    return tmp_path


def records(folder: Path) -> dict[str, RunRecord]:
    return {record.task.name: record for record in load_records(folder)}


@pytest.mark.slow
def test_a_killed_generation_run_goes_on_and_leaves_no_trace(
    place: Path, command_line: CommandLine, kill_when: Callable[..., None]
) -> None:
    run = ["run", "--generator", "./mine.py:Slow", "--task", "few.yaml"]
    whole = command_line(*run, "--out", "whole", cwd=place)
    assert whole.returncode == 0, whole.stderr
    killed = place / "killed"

    def blocks(count: int) -> Callable[[], bool]:
        return lambda: len(list(killed.glob("few/*/*/blocks/*.parquet"))) >= count

    for count in (1, 3):
        kill_when([*run, "--out", "killed"], place, blocks(count))
    assert not list(killed.glob("few/*/*/record.json"))
    last = command_line(*run, "--out", "killed", "--batch-size", "2", cwd=place)
    assert last.returncode == 0, last.stderr
    first, second = records(place / "whole")["few"], records(killed)["few"]
    assert first.results_digest() == second.results_digest()
    one, two = (next((place / name).glob("few/*/*/samples.parquet")) for name in ("whole", "killed"))
    assert one.read_bytes() == two.read_bytes()
    assert {path.name for path in one.parent.glob("previews/*.webp")} == {
        path.name for path in two.parent.glob("previews/*.webp")
    }


@pytest.mark.slow
def test_workers_share_a_generation_run(place: Path, command_line: CommandLine) -> None:
    alone = command_line("run", "--generator", "tiny-ar", "--task", "few.yaml", "--out", "one", cwd=place)
    assert alone.returncode == 0, alone.stderr
    launched = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "vtbench"]
    shared = subprocess.run(
        [*launched, "run", "--generator", "tiny-ar", "--task", "few.yaml", "--out", "two"],
        cwd=place,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert shared.returncode == 0, shared.stderr
    assert records(place / "one")["few"].results_digest() == records(place / "two")["few"].results_digest()


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory, command_in: CommandLine) -> dict[float, RunRecord]:
    """By temperature."""
    folder = tmp_path_factory.mktemp("sampled")
    (folder / "few.yaml").write_text(TASK.replace("count: 30", "count: 90").replace("count=30", "count=90"))
    names = {temperature: f"tiny-ar,temperature={temperature}" for temperature in (0.05, 0.5, 3.0)}
    arguments = [word for name in names.values() for word in ("--generator", name)]
    done = command_in(folder, "run", *arguments, "--task", "few.yaml", "--out", "runs")
    assert done.returncode == 0, done.stderr
    found = {record.model.label: record for record in load_records(folder / "runs")}
    assert "tiny-ar-vq" in found  # the tokenizer, measured once for all three
    return {temperature: found[name] for temperature, name in names.items()}


def value(record: RunRecord, metric: str, stratum: str = "all") -> float:
    result = record.result(metric, stratum)
    assert result is not None, f"no {metric} ({stratum})"
    return result.value


def test_the_distance_grows_away_from_the_best_temperature_on_both_sides(sampled: dict[float, RunRecord]) -> None:
    for metric in ("fd_efflite0", "kid_efflite0"):
        cold, good, hot = (value(sampled[temperature], metric) for temperature in (0.05, 0.5, 3.0))
        assert good < cold and good < hot


def test_the_record_tells_the_tokenizers_share(sampled: dict[float, RunRecord]) -> None:
    shares = {value(record, "fd_efflite0", "tokenizer") for record in sampled.values()}
    assert len(shares) == 1  # one tokenizer, whatever the temperature
    assert value(sampled[3.0], "fd_efflite0") > shares.pop()
    assert 0 < value(sampled[0.5], "code_js_divergence") < value(sampled[0.05], "code_js_divergence") < 1
    assert value(sampled[0.5], "codebook_usage", "tokenizer") > 0.5


def test_the_record_tells_conditions_sampler_reference_and_cost(sampled: dict[float, RunRecord]) -> None:
    record = sampled[0.5]
    assert record.model.kind == "generator" and record.model.sampler["temperature"] == 0.5
    assert record.model.sampler["cfg_formula"] == "u + s (c - u), logits"
    assert record.data.conditions == {
        "of": "classes", "classes": 3, "balance": "balanced", "per_class": 30, "count": 90,
    }  # fmt: skip
    assert record.data.reference is not None and record.data.reference.n == 90
    assert record.performance.kv_cache_bytes and record.performance.sample_images_per_s
    assert record.performance.forward_passes_per_image == pytest.approx(64 / 5)


def test_samples_in_a_folder_and_in_an_npz_score_alike(place: Path, command_line: CommandLine) -> None:
    crops = ScenesMini(split="fit", count=24)
    pictures = np.stack([crops[index].image.numpy().transpose(1, 2, 0) for index in range(24)])
    (place / "samples").mkdir()
    for index, picture in enumerate(pictures):
        Image.fromarray(picture).save(place / "samples" / f"{index:03d}-c{index % 3:04d}.png")
    (place / "samples" / "099-c0000.png").write_bytes(b"not an image")
    np.savez(place / "samples.npz", pictures, np.arange(24) % 3)
    done = command_line(
        "run", "-g", "folder,path=samples", "-g", "npz,path=samples.npz", "--task", "given.yaml",
        "--reference", "scenes-mini,count=24", cwd=place,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    folder, npz = (
        next(record for record in load_records(place / "runs") if record.model.label.startswith(kind))
        for kind in ("folder", "npz")
    )
    assert value(folder, "fd_efflite0") == value(npz, "fd_efflite0")
    assert value(folder, "is_efflite0") == value(npz, "is_efflite0")
    assert folder.status == "partial" and [failure.id for failure in folder.failures] == ["099-c0000.png"]
    assert npz.status == "complete" and npz.data.conditions["classes"] == 3


def test_what_cannot_be_sampled_is_told_before_or_recorded(place: Path, command_line: CommandLine) -> None:
    no_reference = command_line("run", "-g", "folder,path=.", "--task", "given.yaml", cwd=place)
    assert no_reference.returncode == 2
    wrong_kind = command_line("run", "-g", "tiny-ar", "--task", "photos-mini", cwd=place)
    assert wrong_kind.returncode == 2 and "every task is one for tokenizers" in wrong_kind.stderr
    unknown = command_line("run", "-g", "tiny-arr", "--task", "few.yaml", cwd=place)
    assert unknown.returncode == 2 and "tiny-ar" in unknown.stderr
    partial = command_line("run", "-g", "./mine.py:Broken", "--task", "few.yaml", cwd=place)
    assert partial.returncode == 0, partial.stderr
    record = records(place / "runs")["few"]
    assert record.data.n_failed == 10
    assert {failure.message for failure in record.failures} == {"RuntimeError: class 1 is beyond me"}


PROMPTED = """
name: prompted
version: 1
kind: generation
summary: Prompts, scored by nothing but kept as files.
conditions: {of: prompts, per_prompt: 2}
preprocess: {preset: native@1}
block_size: 3
"""
PAINTER = """
import json, sys
from PIL import Image

for line in sys.stdin:
    request = json.loads(line)
    if "fails" in request["prompt"] and request["id"].endswith("s01"):
        continue
    colour = (len(request["prompt"]) * 7 % 256, request["seed"] % 256, 90)
    Image.new("RGB", (32, 32), colour).save(request["output"])
"""


def test_prompts_go_to_a_program_and_come_back_in_genevals_layout(place: Path, command_line: CommandLine) -> None:
    (place / "prompted.yaml").write_text(PROMPTED)
    (place / "painter.py").write_text(PAINTER)
    lines = ['{"prompt": "a red dog", "tag": "colors"}', '{"prompt": "one that fails", "tag": "x"}']
    (place / "metadata.jsonl").write_text("\n".join(lines) + "\n")
    run = ["run", "-g", f"command,run={sys.executable} painter.py,conditions=prompt", "--task", "prompted.yaml"]
    done = command_line(*run, "--data", "metadata.jsonl", "--samples", "images", cwd=place)
    assert done.returncode == 0, done.stderr
    record = records(place / "runs")["prompted"]
    assert (record.data.n_scored, record.data.n_failed) == (3, 1)
    assert record.failures[0].id == "00001-s01" and "no image" in record.failures[0].message
    assert {path.relative_to(place / "images").as_posix() for path in (place / "images").rglob("*.png")} == {
        "00000/samples/0000.png", "00000/samples/0001.png", "00001/samples/0000.png",
    }  # fmt: skip
    assert '"tag": "colors"' in (place / "images" / "00000" / "metadata.jsonl").read_text()
