"""Probes of what a tokenizer makes of labelled images, the whole way: measured, damaged, resumed, scored, read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vtbench
from vtbench.results.records.record import RunRecord, load_records
from vtbench.run.measuring.model import LoadedModel

CommandLine = Callable[..., Any]
TASK = """
name: told
version: 1
kind: probing
summary: Three colours, told from what a tokenizer makes of them.
preprocess: {preset: adm-center-crop@1, size: 16}
image_metrics: [psnr]
code_metrics: [bits_per_pixel, tokens_per_image]
probing_metrics: [linear_probe_top1, {name: knn_top1, params: {k: 5}}, histogram_probe_top1]
probing: {label: label, held_out: 0.25, validation: 0.25}
strata: [label]
block_size: 16
previews: {fixed: 0, worst: 0}
"""
MODELS = '''
import torch
from vtbench.core.codes import Codes
from vtbench.core.info import TokenizerInfo

ROWS = torch.tensor([[0.9, 0.1, 0.1], [0.1, 0.9, 0.1], [0.1, 0.1, 0.9], [0.5, 0.5, 0.5]])


class Colours:
    """The nearest of four colours of each 4x4 patch; its numbers may be shuffled, or always the first."""

    def __init__(self, order: str = "0123", constant: bool = False, shows: bool = True) -> None:
        self.info = TokenizerInfo(name="colours", kind="discrete", codebook_sizes=(4,))
        self._rows = ROWS[[int(digit) for digit in order]]
        self._constant = constant
        if shows:
            self.codebook = lambda level: self._rows

    def encode(self, images):
        patches = torch.nn.functional.avg_pool2d(images, 4).permute(0, 2, 3, 1)
        distances = (patches[..., None, :] - self._rows.to(patches)).square().sum(-1)
        return Codes(levels=(distances.argmin(-1) * (not self._constant),), image_size=tuple(images.shape[-2:]))

    def decode(self, codes):
        entries = self._rows.to(torch.float32)[codes.levels[0]].permute(0, 3, 1, 2)
        return torch.nn.functional.interpolate(entries, scale_factor=4)
'''
PROBES = ("linear_probe_top1", "knn_top1", "histogram_probe_top1")


@pytest.fixture
def colours(place: Path) -> Path:
    """The task, the models, and ``set``: 16 noisy images each of red, green and blue, and one in no folder."""
    (place / "told.yaml").write_text(TASK)
    (place / "colours.py").write_text(MODELS)
    draw = np.random.default_rng(0)
    for channel, name in enumerate(("red", "green", "blue")):
        (place / "set" / name).mkdir(parents=True)
        for number in range(16):
            pixels = draw.normal(60, 25, (20, 20, 3))
            pixels[..., channel] += 110
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(place / "set" / name / f"{number:02d}.png")
    Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(place / "set" / "loose.png")
    return place


def run(vt: CommandLine, *models: str, out: str = "runs", more: tuple[object, ...] = ()) -> Any:
    """Of ``=NAME,key=value`` the colours under that name; of anything else the tokenizer itself."""
    own = [model.replace("=", "./colours.py:Colours,name=", 1) if model[0] == "=" else model for model in models]
    named = [word for model in own for word in ("-t", model)]
    return vt("run", "--task", "told.yaml", "--data", "set", *named, "--out", out, *more)


def of(folder: Path, label: str) -> RunRecord:
    (record,) = [record for record in load_records(folder) if record.model.label == label]
    return record


def values(record: RunRecord, stratum: str = "all") -> dict[str, float]:
    return {r.metric: r.value for r in record.results if r.metric in PROBES and r.stratum == stratum}


def test_what_codes_know_of_labels_is_a_record_like_any_other(
    colours: Path, vt: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ("=plain", "=shuffled,order='2031'", "=constant,constant=true", "=hidden,shows=false")
    done = run(vt, *settings, "patch-pca", "jpeg")
    assert done.code == 0, done.err
    runs = colours / "runs"
    plain = of(runs, "plain")
    assert values(plain) == dict.fromkeys(PROBES, 1.0)
    assert values(plain, "label=1") == dict.fromkeys(PROBES, 1.0)
    told = plain.result("linear_probe_top1")
    assert told and told.n == 12 and told.details["features"] == "embeddings, mean over positions"
    assert told.details["fitted_images"] == 36 and told.details["n_unlabelled"] == 1 and told.details["labels"] == 3
    assert (told.ci_low, told.ci_high) == (1.0, 1.0) and "bootstrap" in told.ci_method
    knn = plain.result("knn_top1")
    assert knn and knn.details["k"] == 5 and knn.details["temperature"] == 0.07
    assert values(of(runs, "shuffled")) == values(plain)
    constant = of(runs, "constant").result("histogram_probe_top1")
    assert constant and constant.value == constant.details["commonest_label_top1"] == pytest.approx(1 / 3)

    hidden = of(runs, "hidden")
    assert values(hidden) == {"histogram_probe_top1": 1.0}
    assert [w for w in hidden.warnings if "linear_probe_top1, knn_top1 not computed: the tokenizer shows no" in w]
    assert set(values(of(runs, "patch-pca"))) == {"linear_probe_top1", "knn_top1"}
    assert not values(of(runs, "jpeg")) and of(runs, "jpeg").result("psnr")
    assert {record.status for record in load_records(runs)} == {"complete"}, "nothing is lost that does not apply"

    before = [(record.model.label, record.results) for record in load_records(runs)]
    monkeypatch.setattr(LoadedModel, "__init__", None)  # none is loaded to score again
    assert vt("rescore", "runs").code == 0
    assert [(record.model.label, record.results) for record in load_records(runs)] == before
    assert vt("verify", "runs").code == 0
    assert vt("report", "runs", "--output", "page.html").code == 0
    page = (colours / "page.html").read_text()
    assert all(name in page for name in PROBES)


def test_bits_are_told_by_how_often_each_is_set(colours: Path, vt: CommandLine) -> None:
    assert run(vt, "patch-bsq").code == 0
    record = of(colours / "runs", "patch-bsq")
    assert set(values(record)) == {"histogram_probe_top1"} and not record.warnings
    told = record.result("histogram_probe_top1")
    assert told and told.value > 0.9 and told.details["features"] == "share of tokens with each bit set"


def test_batches_and_what_was_lost_move_no_number(colours: Path, vt: CommandLine) -> None:
    models = ("=plain", "patch-pca")
    assert run(vt, *models).code == 0
    assert run(vt, *models, out="other", more=("--batch-size", 3)).code == 0
    results = {out: [record.results for record in load_records(colours / out)] for out in ("runs", "other")}
    assert results["other"] == results["runs"]
    for path in (colours / "runs").rglob("00001.safetensors"):
        path.write_bytes(path.read_bytes()[:-1])
    for path in (colours / "runs").rglob("record.json"):
        path.unlink()
    assert run(vt, *models).code == 0
    assert [record.results for record in load_records(colours / "runs")] == results["runs"]


def test_a_set_that_cannot_be_split_is_refused_before_any_work(colours: Path, vt: CommandLine) -> None:
    (colours / "flat").mkdir()
    (colours / "set" / "loose.png").rename(colours / "flat" / "loose.png")
    flat = vt("run", "--task", "told.yaml", "--data", "flat", "-t", "patch-vq")
    assert flat.code == 2 and "flat: no image has a 'label' that a probe could tell" in flat.err
    one = run(vt, "patch-vq", more=("--limit", 10))
    assert one.code == 2 and "have one label alone, 0" in one.err
    premade = vt("run", "--task", "told.yaml", "--data", "set", "-t", "images,path=set")
    assert premade.code == 2 and "looks at what a model encodes" in premade.err
    assert not list((colours / "runs").rglob("*.parquet"))


def test_splits_of_the_data_are_kept(colours: Path, vt: CommandLine) -> None:
    for name in ("red", "blue"):
        for split, part in (("train", "0*"), ("val", "1*")):
            (colours / "sets" / split).mkdir(parents=True, exist_ok=True)
            (colours / "sets" / split / name).mkdir()
            for path in (colours / "set" / name).glob(part + ".png"):
                path.rename(colours / "sets" / split / name / path.name)
    text = TASK.replace("held_out: 0.25,", "held_out: [val, test], group: split,")
    (colours / "told.yaml").write_text(text + "data: {folder_as: split-folder}\n")
    done = vt("run", "--task", "told.yaml", "--data", "sets", "-t", "./colours.py:Colours,name=plain", "--out", "runs")
    assert done.code == 0, done.err
    told = of(colours / "runs", "plain").result("linear_probe_top1")
    assert told and told.n == 12 and told.details["fitted_images"] == 20 and told.value == 1.0


def test_from_python(colours: Path) -> None:
    found = vtbench.evaluate("patch-pca", str(colours / "told.yaml"), data=str(colours / "set"))
    assert found.value("linear_probe_top1") > 0.9


@pytest.mark.parametrize(("change", "words"), [(("k: 5", "k: 0"), "cannot vote"), (("k: 5", "m: 5"), "'m'")])
def test_a_probe_that_makes_no_sense_is_refused(
    colours: Path, vt: CommandLine, change: tuple[str, str], words: str
) -> None:
    (colours / "told.yaml").write_text(TASK.replace(*change))
    done = run(vt, "patch-vq")
    assert done.code == 2 and words in done.err, done.err
