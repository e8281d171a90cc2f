"""Super-resolution: pairs of folders, drawn degradations, filters as rows, and the bound of the worst images."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import vtbench
from vtbench.core.errors import UsageError
from vtbench.data.condition_sources.embedded.sr_mini import SrMini
from vtbench.data.condition_sources.opening import open_conditions
from vtbench.data.condition_sources.pairs import Pairs, stem_of
from vtbench.generators.elsewhere.upsample import Upsample
from vtbench.metrics.catalog.lookup import metric_info
from vtbench.results.records.quantiles import worst_quantile
from vtbench.tasks.files import load_task, task_files


def picture(path: Path, side: int, level: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (side, side), (level, level, level)).save(path)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("0801x4.png", "0801"),
        ("a_LR4.png", "a"),
        ("a_HR.png", "a"),
        ("b-x2.jpg", "b"),
        ("box.png", "box"),
        ("x4.png", "x4"),
    ],
)
def test_stems(name: str, stem: str) -> None:
    assert stem_of(name) == stem


def test_pairs_are_matched_and_what_is_alone_is_told(tmp_path: Path) -> None:
    for name, level in (("1x4", 10), ("2x4", 20), ("3x4", 30)):
        picture(tmp_path / "LR" / f"{name}.png", 16, level)
    for name, level in (("1", 12), ("2", 24), ("4", 40)):
        picture(tmp_path / "HR" / f"{name}.png", 64, level)
    found = Pairs(tmp_path)
    assert found.conditions.ids == ("1", "2")
    assert "2 images have no counterpart" in found.notes[0] and "3, 4" in found.notes[0]
    assert found.conditions.samples[0].condition.image("source").shape == (3, 16, 16)
    (tmp_path / "said.jsonl").write_text(json.dumps({"image_path": "./LR/1x4.png", "long_caption": "grey"}))
    told = Pairs(tmp_path, prompted=True, captions=str(tmp_path / "said.jsonl"))
    assert [one.condition.prompt for one in told.conditions.samples] == ["grey", ""]
    assert "no caption: 2" in told.notes[1]
    roles = ["source", "truth"]
    opened = open_conditions(str(tmp_path), of="prompts", roles=roles, per_line=1, folder_as="pairs,prompted=true")
    assert opened.samples[0].condition.prompt == "" and "3, 4" in opened.subset(1).notes[0]
    with pytest.raises(UsageError, match="no folder other"):
        Pairs(tmp_path, truth="other")
    picture(tmp_path / "LR" / "1_LR4.png", 16, 1)
    with pytest.raises(UsageError, match="have one name"):
        Pairs(tmp_path)


def test_sources_of_sr_mini_are_averages_and_their_degradations() -> None:
    samples = SrMini(count=2).conditions.samples
    assert [one.condition.metadata["degradation"] for one in samples] == ["none", "jpeg", "noise"] * 2
    clean, jpeg, noisy = (one.condition.image("source") for one in samples[:3])
    truth = samples[0].condition.image("truth")
    by_hand = truth.numpy().astype(np.float64).reshape(3, 64, 4, 64, 4).mean((2, 4)).round()
    assert (clean.numpy() == by_hand).all()
    assert 0.5 < float((jpeg.double() - clean.double()).abs().mean()) < 12
    inside = (clean > 40) & (clean < 215)  # nothing is cut off there
    assert float((noisy.double() - clean.double())[inside].std()) == pytest.approx(8.0, rel=0.08)
    assert torch.equal(noisy, SrMini(count=2).conditions.samples[2].condition.image("source"))


def test_filters_are_pillows_and_the_task_runs(tmp_path: Path) -> None:
    source = SrMini(count=1).conditions.samples[0].condition
    made = Upsample("lanczos").sample([source], torch.zeros(1, dtype=torch.int64))
    small = Image.fromarray(source.image("source").permute(1, 2, 0).numpy())
    expected = np.asarray(small.resize((256, 256), Image.Resampling.LANCZOS))
    assert made[0].permute(1, 2, 0).numpy() * 255 == pytest.approx(expected)
    shipped = task_files()["sr-mini"].read_text()
    task = tmp_path / "sr-mini.yaml"  # without the networks that take longest
    task.write_text(shipped.replace(", dists, niqe", "").replace("dists: 0.001, niqe: 0.05", ""))
    options = {"data": "sr-mini,count=3", "device": "cpu", "workers": 0}
    records = vtbench.evaluate(["upsample", "upsample,filter=nearest"], str(task), **options).records
    values = {(r.model.name, one.metric, one.stratum): one for r in records for one in r.results}
    psnr = {key[0]: one.value for key, one in values.items() if key[1:] == ("psnr_y", "all")}
    bicubic, nearest = (next(value for name, value in psnr.items() if word in name) for word in ("upsample", "nearest"))
    assert bicubic > nearest > 15
    for (name, metric, stratum), one in values.items():
        if stratum == "quantile=0.05" and metric in ("psnr_y", "lpips_alex"):
            mean = values[name, metric, "all"].value
            assert (one.value < mean) if metric == "psnr_y" else (one.value > mean)
            assert one.n == 9 and one.ci_low is not None
    with pytest.raises(UsageError, match="at least 1"):
        Upsample(factor=0)


def test_quantiles_are_order_statistics_from_the_worse_end() -> None:
    values = np.arange(1.0, 101.0)
    assert worst_quantile(metric_info("psnr"), values, 0.05).value == 5.0
    assert worst_quantile(metric_info("lpips_alex"), values, 0.05).value == 96.0
    shuffled = np.random.default_rng(1).permutation(np.append(values, math.nan))
    assert worst_quantile(metric_info("psnr"), shuffled, 0.05) == worst_quantile(metric_info("psnr"), values, 0.05)
    assert worst_quantile(metric_info("psnr"), np.array([math.nan]), 0.05).n == 0


def test_tasks_of_super_resolution_tell_nsarm_from_filters() -> None:
    """nsarm takes a prompt and a source, filters the source alone: each has its task."""
    for name, of in (("sr-folder", "images"), ("sr-prompts-folder", "prompts"), ("realsr", "images")):
        conditions = load_task(name).conditions
        assert conditions is not None and conditions.of == of and conditions.images == ("source",)
