"""Compat tasks as a user meets them: quirks shown, columns side by side, and the confound they exist to show."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import vtbench
from vtbench.core.pixels import to_unit
from vtbench.data.embedded.photographs.photos_mini import PhotosMini
from vtbench.data.embedded.photographs.photos_whole import PhotosWhole
from vtbench.data.preparing.presets import make_preset
from vtbench.metrics.images.compat_vtbench import CompatPsnr
from vtbench.results.records.record import RunRecord, load_records
from vtbench.results.records.statistics import aggregate
from vtbench.tasks import TaskSpec, load_suite, load_task, task_files
from vtbench.tokenizers.codecs.pillow import Jpeg

CommandLine = Callable[..., "subprocess.CompletedProcess[str]"]
COMPAT = [name for name, path in task_files().items() if path.parent.name == "compat"]


def by_task(folder: Path) -> dict[tuple[str, str], RunRecord]:
    return {(record.task.name, record.model.reference): record for record in load_records(folder)}


def value(record: RunRecord, name: str) -> float:
    result = record.result(name)
    assert result is not None, f"{record.task.name} has no {name}"
    return result.value


@pytest.mark.parametrize("name", COMPAT)
def test_a_compat_task_lists_its_quirks(name: str) -> None:
    task = load_task(name)
    assert len(task.quirks) >= 5 and all(sentence.endswith(".") for sentence in task.quirks)
    assert ("truncate" in task.protocol["pixels"]) == name.startswith("vtbench-released")
    if task.block_metrics:
        assert task.block_size == task.protocol["block_size"] == 8
    loud = task.model_copy(update={"quirks": ("Other words.",)})
    assert loud.protocol_id == task.protocol_id


def test_block_size_is_part_of_a_protocol_only_where_it_moves_numbers() -> None:
    def ids(task: TaskSpec) -> set[str]:
        return {task.model_copy(update={"block_size": size}).protocol_id for size in (8, 16)}

    assert len(ids(load_task("vtbench-released-256"))) == 2
    assert len(ids(load_task("photos-mini"))) == 1


def test_show_prints_quirks_and_others_have_none(command_line: CommandLine) -> None:
    shown = command_line("show", "vtbench-released-signed-1024")
    assert shown.returncode == 0, shown.stderr
    fields = dict(line.split("\t", 1) for line in shown.stdout.splitlines())
    quirks = [text for field, text in fields.items() if field.startswith("quirk ")]
    assert quirks == list(load_task("vtbench-released-signed-1024").quirks)
    assert any("16 times the pixels" in text for text in quirks) and any("95 of 256" in text for text in quirks)
    assert "quirk" not in command_line("show", "photos-mini").stdout


def test_the_suite_sets_compat_beside_right() -> None:
    tasks = load_suite("compat").tasks
    assert {"photos-mini", "vtbench-released-256", "english-mini", "vtbench-released-text-256"} <= set(tasks)
    table = load_task("vtbench-released-256").table
    for name in ("psnr", "ssim"):
        assert table.index(f"compat_vtbench_{name}") + 1 == table.index(name)


@pytest.mark.parametrize(("quality", "least", "most"), [(5, 5.0, 6.5), (10, 7.5, 9.0)])
def test_the_same_codec_gains_decibels_by_a_larger_input(quality: int, least: float, most: float) -> None:
    """The figures of docs/compat.md, by hand: prepare, encode, truncate, squeeze, pool."""
    data, jpeg, metric = PhotosWhole(), Jpeg(quality=quality), CompatPsnr()
    scores, sizes = [], []
    for side in (256, 1024):
        prepared = [make_preset("vtbench-released", side).prepare(data[index]) for index in range(len(data))]
        codes = [jpeg.encode(to_unit(sample.model_input[None])) for sample in prepared]
        saved = [sample.quantise(jpeg.decode(code)[0]) for sample, code in zip(prepared, codes, strict=True)]
        squeezed = torch.stack([sample.restore(image) for sample, image in zip(prepared, saved, strict=True)])
        found = metric(squeezed, torch.stack([sample.reference for sample in prepared]))
        rows = metric.rows({name: column.numpy() for name, column in found.items()})
        scores.append(aggregate(rows, "pooled_psnr").value)
        sizes.append(sum(float(code.bits_per_image) for code in codes))
    assert least < scores[1] - scores[0] < most, scores
    assert 8 < sizes[1] / sizes[0] < 11


@pytest.mark.slow
def test_batch_size_moves_no_block_metric_and_identity_is_perfect_only_where_it_should_be(
    command_line: CommandLine, tmp_path: Path
) -> None:
    dim = tmp_path / "dim"
    dim.mkdir()
    data = PhotosMini()
    for position in range(10):  # no block spans the whole range, so that the range depends on the block
        pixels = np.moveaxis(data[6 * position].image.numpy(), 0, -1) // 8 * 5 + 4 * position
        Image.fromarray(pixels.astype(np.uint8)).save(dim / f"{position}.png")
    frames = {}
    for size in (3, 8):
        done = command_line(
            *("run", "--task", "vtbench-released-signed-256", "--data", "dim", "--out", f"runs{size}"),
            *("--tokenizer", "jpeg,quality=10", "--tokenizer", "identity", "--batch-size", str(size)),
        )
        assert done.returncode == 0, done.stderr
        records = by_task(tmp_path / f"runs{size}")
        assert value(records["vtbench-released-signed-256", "identity"], "compat_vtbench_ssim") == 1.0
        frames[size] = vtbench.samples_frame(tmp_path / f"runs{size}").query("model != 'identity'").set_index("id")
        record = records["vtbench-released-signed-256", "jpeg,quality=10"]
        assert value(record, "compat_vtbench_psnr") < value(record, "psnr_pooled")  # its peak is below 255
        assert value(record, "compat_vtbench_ssim") < value(record, "ssim")
    columns = ["compat_vtbench_mse", "compat_vtbench_peak", "compat_vtbench_ssim"]
    np.testing.assert_array_equal(frames[3][columns], frames[8][columns])


@pytest.mark.slow
def test_the_released_text_rates_judge_a_reader_by_itself(command_line: CommandLine, tmp_path: Path) -> None:
    done = command_line(
        *("run", "--task", "vtbench-released-text-256", "--task", "english-mini", "--limit", "4"),
        *("--tokenizer", "identity", "--tokenizer", "jpeg,quality=5"),
        env={"VTBENCH_CACHE": str(tmp_path / "cache"), "VTBENCH_ASSETS": ""},
    )
    assert done.returncode == 0, done.stderr
    records = by_task(tmp_path / "runs")
    assert value(records["vtbench-released-text-256", "identity"], "compat_vtbench_cer") == 0.0
    harmed = records["vtbench-released-text-256", "jpeg,quality=5"]
    assert value(harmed, "compat_vtbench_cer") > 0.05
    # the "WER" is about (mean word length + 1) times the CER
    assert 3 < value(harmed, "compat_vtbench_wer") / value(harmed, "compat_vtbench_cer") < 9
    assert harmed.result("cer") is None and any(r.stratum == "glyph_px=8" for r in harmed.results)
