"""The suite that ships: orders what it must order, and gives the same numbers however it is batched."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import vtbench
from vtbench.results.records.record import RunRecord, load_records

CommandLine = Callable[..., "subprocess.CompletedProcess[str]"]
QUALITIES = (5, 10, 75)
BETTER_WITH_QUALITY = ("psnr", "psnr_pooled", "ssim", "ssim_uniform7", "ms_ssim")
WORSE_WITH_QUALITY = ("mae", "lpips_alex", "kid_efflite0")


@pytest.mark.slow
def test_jpeg_quality_orders_every_metric_and_identity_is_perfect(command_line: CommandLine, tmp_path: Path) -> None:
    tokenizers = ["identity", *(f"jpeg,quality={quality}" for quality in QUALITIES)]
    options = [part for name in tokenizers for part in ("--tokenizer", name)]
    done = command_line("run", "--task", "photos-mini", *options, "--limit", "32", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1 + len(tokenizers)
    records = {record.model.reference: record for record in load_records(tmp_path / "runs")}

    def values(name: str) -> list[float]:
        return [value(records[f"jpeg,quality={quality}"], name) for quality in QUALITIES]

    for name in (*BETTER_WITH_QUALITY, "bits_per_pixel"):
        assert values(name) == sorted(values(name)), name
    for name in WORSE_WITH_QUALITY:
        assert values(name) == sorted(values(name), reverse=True), name
    perfect = records["identity"]
    assert value(perfect, "psnr") == value(perfect, "psnr_pooled") == math.inf
    assert [value(perfect, name) for name in ("ssim", "ssim_uniform7", "ms_ssim")] == [1.0, 1.0, 1.0]
    assert value(perfect, "lpips_alex") == value(perfect, "mae") == 0.0
    assert abs(value(perfect, "kid_efflite0")) < 1e-9


@pytest.mark.slow
def test_batch_size_moves_no_image_metric(command_line: CommandLine, tmp_path: Path) -> None:
    rows = {}
    for size in (1, 3, 7):
        done = command_line(
            *(
                "run",
                "--task",
                "photos-mini",
                "--tokenizer",
                "patch-rvq",
                "--limit",
                "7",
                "--batch-size",
                str(size),
                "--out",
                f"runs{size}",
            ),
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
        rows[size] = vtbench.samples_frame(tmp_path / f"runs{size}").set_index("id")
    metrics = ["psnr", "mse", "ssim", "ssim_uniform7", "ms_ssim", "mae", "lpips_alex", "bits_per_pixel"]
    for size in (1, 3):
        np.testing.assert_allclose(rows[size][metrics], rows[7][metrics], rtol=1e-5, atol=1e-5)
    usage = [value(load_records(tmp_path / f"runs{size}")[0], "codebook_usage") for size in (1, 3, 7)]
    assert usage[0] == usage[1] == usage[2]


def value(record: RunRecord, name: str) -> float:
    result = record.result(name)
    assert result is not None, f"{record.model.reference} has no {name}"
    return result.value
