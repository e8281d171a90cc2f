"""A probe on a tokenizer's codes, the whole way: fitted, killed, resumed, damaged, scored, and read by all who do."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import vtbench
from vtbench.core.outside.tensor_files import open_tensors, write_tensors
from vtbench.report.gather import read_boards
from vtbench.report.series import learnability_charts
from vtbench.results.records.record import RunRecord, load_records

CommandLine = Callable[..., Any]
TASK = """
name: learnable
version: 1
kind: learnability
summary: As learnability-mini, in seconds.
data: {source: "tiles-mini,count=36"}
preprocess: {preset: native@1}
image_metrics: [psnr]
code_metrics: [bits_per_pixel, tokens_per_image]
learnability_metrics: [ar_bits_per_pixel, ar_nll_bits, ar_nll_bits_train, code_unigram_bits, ar_gain]
learnability:
  probe:
    {width: 16, blocks: 1, heads: 2, steps: STEPS, batch: 4, warmup: 2, learning_rate: 0.01, weight_decay: 0, seeds: 2}
  held_out: [astronaut, coffee]
  group: photograph
block_size: 16
previews: {fixed: 0, worst: 0}
"""
RUN = ("run", "-t", "patch-vq", "-t", "patch-bsq", "-t", "patch-pca", "--task", "learnable.yaml")


@pytest.fixture
def task(place: Path) -> Path:
    (place / "learnable.yaml").write_text(TASK.replace("STEPS", "24"))
    return place


def of(folder: Path, model: str) -> RunRecord:
    (record,) = [record for record in load_records(folder) if record.model.label == model]
    return record


def test_what_a_probe_finds_is_a_record_like_any_other(task: Path, vt: CommandLine) -> None:
    done = vt(*RUN, "--out", "runs")
    assert done.code == 0, done.err
    record = of(task / "runs", "patch-vq")
    bits, nll, unigram = (record.result(n) for n in ("ar_bits_per_pixel", "ar_nll_bits", "code_unigram_bits"))
    gain, train = record.result("ar_gain"), record.result("ar_nll_bits_train")
    assert bits and nll and unigram and gain and train
    assert nll.n == 8 and nll.details["fitted_images"] == 28
    assert bits.value == pytest.approx(nll.value * 256 / 128**2)
    assert gain.value == pytest.approx(1 - nll.value / unigram.value)
    assert train.value < nll.value < unigram.value
    assert nll.ci_low is not None and nll.ci_low < nll.value < (nll.ci_high or 0)
    first, second = nll.details["seeds"]
    assert nll.value == pytest.approx((first + second) / 2)
    # Student's t with one degree of freedom: 12.7062 standard errors.
    assert (nll.ci_high or 0) - nll.value == pytest.approx(12.7062 * abs(first - second) / 2, rel=1e-4)
    assert not record.warnings

    assert of(task / "runs", "patch-bsq").result("ar_bits_per_pixel")
    assert of(task / "runs", "patch-pca").result("ar_bits_per_pixel") is None
    assert of(task / "runs", "patch-pca").result("psnr")

    (board,) = read_boards([task / "runs"])
    charts = learnability_charts(board)
    assert [chart.title for chart in charts] == ["Learnability and psnr"]
    assert {label for label, _ in charts[0].series} == {"patch-vq", "patch-bsq"}

    assert vt("report", "runs", "--output", "page.html").code == 0
    assert "Learnability and psnr" in (task / "page.html").read_text()
    assert vt("rescore", "runs").code == 0
    assert of(task / "runs", "patch-vq").result("ar_bits_per_pixel") == bits
    assert vt("verify", "runs").code == 0


def test_threads_and_batches_move_no_bit(task: Path, vt: CommandLine) -> None:
    digests = set()
    for threads, batch in ((1, 16), (2, 3)):
        out = f"{threads}-{batch}"
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            done = vt(*RUN[:3], *RUN[-2:], "--out", out, "--batch-size", batch)
        finally:
            torch.set_num_threads(before)
        assert done.code == 0, done.err
        digests.add(str(of(task / out, "patch-vq").result("ar_nll_bits")))
    assert len(digests) == 1


def test_a_damaged_probe_is_found_and_made_again(task: Path, vt: CommandLine) -> None:
    run = (*RUN[:3], *RUN[-2:], "--out", "runs")
    assert vt(*run).code == 0
    before = of(task / "runs", "patch-vq").result("ar_nll_bits")
    (path,) = (task / "runs").rglob("next-token-1.safetensors")
    with open_tensors(path, "") as tensors:
        arrays = {name: tensors.get_tensor(name) for name in ("bits", "losses")}
    write_tensors(path, {**arrays, "bits": arrays["bits"] / 2}, {"job": "another"})
    told = vt("verify", "runs")
    assert told.code != 0 and "next-token-1" in told.out + told.err
    again = vt(*run)
    assert again.code == 0 and "next-token-1" in again.err
    assert of(task / "runs", "patch-vq").result("ar_nll_bits") == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_job_ends_as_if_it_had_not_been(task: Path, vt: CommandLine, number: signal.Signals) -> None:
    (task / "learnable.yaml").write_text(TASK.replace("STEPS", "100"))
    command = [sys.executable, "-m", "vtbench", *RUN[:3], *RUN[-2:], "--out", "runs"]
    process = subprocess.Popen(command, cwd=task, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while len(list((task / "runs").rglob("blocks/*.parquet"))) < 3 and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.5)  # somewhere in the fits
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode in (-signal.SIGKILL, 128 + signal.SIGTERM)
    assert vt(*RUN[:3], *RUN[-2:], "--out", "runs").code == 0
    assert not list((task / "runs").rglob("*.unfinished.safetensors"))
    assert vt(*RUN[:3], *RUN[-2:], "--out", "whole").code == 0
    resumed, whole = (of(task / out, "patch-vq").result("ar_nll_bits") for out in ("runs", "whole"))
    assert resumed == whole


def test_from_python(task: Path) -> None:
    found = vtbench.evaluate("patch-vq", str(task / "learnable.yaml"))
    assert 0 < found.value("ar_gain") < 1
