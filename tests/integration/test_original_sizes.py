"""Tasks at original sizes: no pixel is resized or cropped, and the padding is what their notes say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from skimage import data

import vtbench
from vtbench.core.naming.reference import parse_reference
from vtbench.core.pixels import to_uint8, to_unit
from vtbench.results.records.record import load_records
from vtbench.results.records.samples import read_samples
from vtbench.tasks import load_task, task_files
from vtbench.tokenizers import TOKENIZERS

SIZES = {"a.png": (131, 67), "b.png": (90, 201), "c.png": (64, 48)}
MODEL = "patch-vq"


@pytest.fixture
def odd_sizes(tmp_path: Path) -> Path:
    folder = tmp_path / "val2017"
    folder.mkdir()
    for place, (name, (height, width)) in enumerate(SIZES.items()):
        Image.fromarray(data.astronaut()[40 * place : 40 * place + height, 30:][:, :width]).save(folder / name)
    return folder


def without_networks(name: str, folder: Path) -> str:
    """The shipped task, but for metrics that need weights or thousands of images."""
    content = yaml.safe_load(task_files()[name].read_text(encoding="utf-8"))
    kept = [metric for metric in content["image_metrics"] if not metric.startswith("lpips")]
    content |= {"name": f"{name}-few", "set_metrics": [], "image_metrics": kept, "tolerances": {}}
    content["table"] = [column for column in content["table"] if column in (*kept, "bits_per_pixel")]
    file = folder / f"{name}-few.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return str(file)


def test_images_keep_their_sizes_and_are_padded_to_the_right_and_below(odd_sizes: Path, tmp_path: Path) -> None:
    vtbench.evaluate(MODEL, without_networks("coco-original-val", tmp_path), data=str(odd_sizes), out=tmp_path / "runs")
    (record,) = load_records(tmp_path / "runs")
    samples = read_samples(next((tmp_path / "runs").rglob("samples.parquet")))
    assert {i: (int(h), int(w)) for i, h, w in zip(samples.ids, samples.height, samples.width, strict=True)} == SIZES
    assert record.data.scored_size is None and record.model.resized_in_out is None
    tokenizer = TOKENIZERS.create(parse_reference(MODEL))
    stride = tokenizer.info.downsample_factor
    for name, found in zip(samples.ids, samples.metrics["psnr"], strict=True):
        image = torch.from_numpy(np.array(Image.open(odd_sizes / name))).permute(2, 0, 1)[None]
        height, width = image.shape[-2:]
        below, right = -height % stride, -width % stride
        assert below or right or name == "c.png", "sizes that need padding"
        padded = np.pad(image.numpy(), ((0, 0), (0, 0), (0, below), (0, right)), mode="edge")
        output = tokenizer.decode(tokenizer.encode(to_unit(torch.from_numpy(padded))))[..., :height, :width]
        error = (to_uint8(output).double() - image.double()).square().mean()
        assert found == pytest.approx(float(10 * torch.log10(255**2 / error)), abs=1e-9), name


@pytest.mark.parametrize("name", ["imagenet-original-val", "coco-original-val"])
def test_the_rule_of_padding_is_stated(name: str) -> None:
    task = load_task(name)
    assert task.preprocess.preset == "native@1" and task.preprocess.size is None
    assert "repeated to the right and below" in task.data.note and "SEED-Voken" in task.data.note
