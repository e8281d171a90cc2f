"""Samples against the images that their generator was trained on: the whole way, with copies that are known as such."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

import vtbench
from vtbench.core.codes import Codes
from vtbench.core.errors import UsageError
from vtbench.core.pixels import to_unit
from vtbench.data.embedded.photographs.scenes_mini import ScenesMini
from vtbench.generators.fitted.tiny_ar import TinyAr
from vtbench.report.gather import read_boards
from vtbench.report.page import html_page
from vtbench.results.records.nearest import PAIR_PREFIX
from vtbench.results.records.previews import open_preview
from vtbench.results.records.record import RunRecord
from vtbench.run.planning.generators import GeneratorSource
from vtbench.run.planning.given import GivenData
from vtbench.run.rescore import rescore
from vtbench.run.verifying.job import verify_job
from vtbench.tasks import TaskSpec, load_task

TASK = """
name: memo
version: 1
kind: generation
summary: A few samples against a few training crops.
conditions: {of: classes, classes: 3, count: 24}
reference: {data: "scenes-mini,split=held-out,count=24"}
training: {}
preprocess: {preset: native@1}
set_metrics: [authenticity_pixels_32, ct_score_pixels_32, copy_rate_pixels_32]
code_metrics: [code_copy_rate, longest_code_run]
block_size: 8
previews: {fixed: 2, worst: 0}
"""
TRAINING = "scenes-mini,split=fit,count=36"


class CopierOfCodes(TinyAr):
    """Gives the codes of training crops, an eighth of each changed."""

    def sample_codes(self, conditions, seeds):  # type: ignore[no-untyped-def]
        crops = ScenesMini(split="fit", count=36)
        images = torch.stack([crops[int(seed) % 36].image for seed in seeds])
        (codes,) = self.tokenizer.encode(to_unit(images)).levels
        codes[:, 0, :6] = (codes[:, 0, :6] + 1) % 256
        return Codes(levels=(codes,), image_size=(64, 64))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("memo")
    (folder / "memo.yaml").write_text(TASK)
    (folder / "given.yaml").write_text(
        TASK.replace("of: classes, classes: 3, count: 24", "of: given").replace("name: memo", "name: given")
    )
    return folder


@pytest.fixture(scope="module")
def measured(place: Path) -> RunRecord:
    options = {"out": place / "runs", "training": TRAINING}
    (record,) = vtbench.evaluate("tiny-ar", place / "memo.yaml", **options).records
    return record


def folder_of(place: Path, record: RunRecord) -> Path:
    return next(place.glob(f"runs/{record.task.name}/*/{record.job_key}"))


def value(record: RunRecord, metric: str) -> float:
    found = record.result(metric)
    assert found is not None, f"no {metric}: {record.warnings}"
    return found.value


def test_the_record_names_the_training_images_and_every_metric(measured: RunRecord) -> None:
    assert measured.status == "complete" and not measured.warnings
    assert measured.data.training is not None and measured.data.training.n == 36
    assert TRAINING in measured.data.training.description and measured.data.training.digest
    assert 0 < value(measured, "authenticity_pixels_32") <= 1 and value(measured, "ct_score_pixels_32") > -2
    run = measured.result("longest_code_run")
    assert (
        run is not None and 1 <= run.value < 20 and run.details["training_images"] == 36 and "held_out" in run.details
    )
    assert value(measured, "code_copy_rate") == 0.0


def test_other_training_images_are_another_job_and_other_data(place: Path, measured: RunRecord) -> None:
    source, task = GeneratorSource("tiny-ar"), load_task(str(place / "memo.yaml"))
    asked = [GivenData(training=f"scenes-mini,split=fit,count={count}").asked(task, source) for count in (36, 40)]
    assert [data.fingerprint == measured.data.fingerprint for data in asked] == [True, False]
    assert task.protocol_id == measured.task.protocol_id


def test_the_numbers_do_not_depend_on_batches_and_a_rescore_finds_them_again(place: Path, measured: RunRecord) -> None:
    options = {"out": place / "other", "training": TRAINING, "batch_size": 3}
    (again,) = vtbench.evaluate("tiny-ar", place / "memo.yaml", **options).records
    assert again.results_digest() == measured.results_digest()
    folder = folder_of(place, measured)
    (scored,) = rescore(folder)
    assert scored.results_digest() == measured.results_digest()
    assert len(list(folder.glob(f"previews/{PAIR_PREFIX}*.webp"))) >= 10  # a rescore leaves them


def test_verify_knows_what_belongs_to_a_job(place: Path, measured: RunRecord) -> None:
    shutil.copytree(place / "runs", place / "copied")
    folder = place / "copied" / folder_of(place, measured).relative_to(place / "runs")
    assert [finding.status for finding in verify_job(folder)] == ["ok"]
    for statistics in (place / "copied" / ".references").glob("statistics-*.safetensors"):
        statistics.write_bytes(statistics.read_bytes()[:-9])
    shutil.rmtree(place / "copied" / "memo-training")
    told = [finding.what for finding in verify_job(folder) if finding.status == "damaged"]
    assert len(told) == 3 and any("training images' job belongs to this one" in text for text in told)


def test_the_page_shows_samples_beside_training_images(place: Path, measured: RunRecord) -> None:
    page = html_page(read_boards([folder_of(place, measured)]))
    assert "Nearest to training images" in page and page.count("and the training image nearest to it") == 10
    pairs = measured.result("authenticity_pixels_32").details["nearest"]  # type: ignore[union-attr]
    assert [pair["distance"] for pair in pairs] == sorted(pair["distance"] for pair in pairs)
    crops = ScenesMini(split="fit", count=36)
    path = next(
        folder_of(place, measured).glob(f"previews/nearest-*-{pairs[0]['sample']:08d}-{pairs[0]['training']:08d}.webp")
    )
    shown = np.asarray(open_preview(path))
    assert shown.shape == (64, 132, 3)
    assert (shown[:, 68:] == crops[pairs[0]["training"]].image.numpy().transpose(1, 2, 0)).all()


def test_codes_of_training_images_are_known_and_a_ninth_changed_is_too_much(place: Path) -> None:
    copier = CopierOfCodes()
    record = vtbench.evaluate(copier, place / "memo.yaml", training=TRAINING, name="copier").records[0]
    assert value(record, "code_copy_rate") == 1.0 and value(record, "longest_code_run") == 58.0
    most = record.result("code_copy_rate").details  # type: ignore[union-attr]
    assert most["most_equal"] == 58 and most["tokens"] == 64 and most["held_out"] < 0.2


def test_images_that_are_copies_are_told_as_such_beside_one_that_cannot_be_read(place: Path) -> None:
    crops = ScenesMini(split="fit", count=12)
    for name in ("training", "samples"):
        (place / name).mkdir()
    (place / "training" / "000.png").write_bytes(b"no picture")
    for index in range(12):
        picture = Image.fromarray(crops[index].image.numpy().transpose(1, 2, 0))
        picture.save(place / "training" / f"{index + 1:03d}.png")
        if index < 10:
            picture.save(place / "samples" / f"{index:03d}.png")
    options = {"out": place / "runs", "training": place / "training"}
    generator = f"folder,path={place / 'samples'}"
    (record,) = vtbench.evaluate(generator, place / "given.yaml", **options).records
    assert value(record, "authenticity_pixels_32") == 0.0 and value(record, "copy_rate_pixels_32") == 1.0
    assert value(record, "ct_score_pixels_32") < -4
    assert any("code_copy_rate" in text and "for a generator of codes" in text for text in record.warnings)
    assert any("1 of 13 reference images could not be used" in text for text in record.warnings)
    pictures = list(folder_of(place, record).glob(f"previews/{PAIR_PREFIX}*.webp"))
    shown = [np.asarray(open_preview(path)) for path in pictures]
    assert len(shown) == 10 and all((both[:, :64] == both[:, 68:]).all() for both in shown)


def test_what_is_missing_or_too_much_is_told_before_any_work(place: Path) -> None:
    with pytest.raises(UsageError, match="names no training images"):
        vtbench.evaluate("tiny-ar", place / "memo.yaml")
    with pytest.raises(UsageError, match="--training is read by no task here"):
        vtbench.evaluate("tiny-ar", "generation-mini", training=TRAINING)
    with pytest.raises(UsageError, match="memo: held-out and training images are the same"):
        vtbench.evaluate("tiny-ar", place / "memo.yaml", training=TRAINING, reference=TRAINING)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"training": None}, "training goes with metrics that compare with it"),
        ({"set_metrics": ["fd_efflite0"], "code_metrics": []}, "training goes with metrics"),
        ({"kind": "reconstruction", "conditions": None, "reference": None}, "training images belong to generation"),
    ],
)
def test_a_task_has_training_images_and_metrics_of_them_or_neither(change: dict[str, object], told: str) -> None:
    stated = {
        "name": "memo", "version": 1, "kind": "generation", "summary": "", "preprocess": {"preset": "native@1"},
        "conditions": {"of": "none", "count": 4}, "reference": {}, "training": {},
        "set_metrics": ["copy_rate_efflite0"], "code_metrics": ["code_copy_rate"],
    }  # fmt: skip
    TaskSpec.model_validate(stated)
    with pytest.raises(ValueError, match=told):
        TaskSpec.model_validate({**stated, **change})


def test_three_sets_on_tensors() -> None:
    crops, held = ScenesMini(split="fit", count=20), ScenesMini(split="held-out", count=20)
    training, others = (torch.stack([data[index].image for index in range(20)]) for data in (crops, held))
    metric = vtbench.metric("authenticity_pixels_32")
    assert metric(training[:5], others, training).value == 0.0
    metric.update(predictions=others[:3])
    metric.update(references=others, training=training)
    assert metric.compute().value == metric(others[:3], others, training).value > 0
    with pytest.raises(UsageError, match="compares three sets, 2 were given"):
        metric(training, others)
    with pytest.raises(UsageError, match="compares with no training images"):
        vtbench.metric("kid_pixels_32").update(training=training)


def test_fdr_of_two_networks_names_both_and_their_mean(place: Path) -> None:
    stated = yaml.safe_load(TASK) | {"name": "ratio", "set_metrics": ["fdr_efflite0_pixels_32", "mind_pixels_32"]}
    stated |= {"code_metrics": [], "conditions": {"of": "classes", "classes": 3, "count": 12}, "block_size": 12}
    stated["reference"] = {"data": "scenes-mini,split=held-out,count=12"}
    (place / "ratio.yaml").write_text(yaml.safe_dump(stated))
    options = {"out": place / "runs", "training": "scenes-mini,split=fit,count=15"}
    (record,) = vtbench.evaluate("tiny-ar", place / "ratio.yaml", **options).records
    assert record.status == "complete" and record.result("mind_pixels_32") is not None
    parts = {name: value(record, f"fdr_{name}") for name in ("efflite0", "pixels_32")}
    mean = record.result("fdr_efflite0_pixels_32")
    assert mean is not None and mean.value == pytest.approx(sum(parts.values()) / 2) and mean.n == 12
    assert mean.details["networks"] == parts and parts["efflite0"] > 1  # farther than real images
    assert mean.details["extractors"]["efflite0"].startswith("efflite0-bicubic224-")
    assert rescore(folder_of(place, record))[0].results_digest() == record.results_digest()
    with pytest.raises(UsageError, match="is a mean over networks"):
        vtbench.metric("fdr_efflite0_pixels_32")
