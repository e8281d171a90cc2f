"""A missing prediction is missing, whatever lies elsewhere under its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vtbench

RNG = np.random.default_rng(0)


def write(path: str, offset: int = 0, of: np.ndarray[Any, Any] | None = None) -> np.ndarray[Any, Any]:
    """Noise, or a picture that is ``offset`` brighter than another."""
    array = RNG.integers(0, 200, (24, 24, 3), dtype=np.uint8) if of is None else of + np.uint8(offset)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **({"lossless": True} if path.endswith(".webp") else {}))
    return array


def scored(vt: Callable[..., Any], data: str, pred: str) -> tuple[Any, dict[str, str], Any]:
    done = vt("score", "--task", "quick.yaml", "--data", data, "--pred", pred, "--out", f"r-{pred}", "--json")
    assert done.code == 0, done.err
    rows = vtbench.samples_frame(f"r-{pred}")
    assert (rows[rows.status == "scored"].mae == 5).all()
    return done, dict(zip(rows.id, rows.status, strict=True)), vtbench.load_records(f"r-{pred}")[0]


def test_another_class_does_not_stand_in(vt: Callable[..., Any], place: Path) -> None:
    for name in ("n01/0", "n01/1", "n02/0", "n02/1"):
        array = write(f"data/{name}.png")
        if name != "n02/1":
            write(f"pred/{name}.png", 5, array)
    write("pred/n03/1.png")
    done, status, record = scored(vt, "data", "pred")
    assert [name for name, told in status.items() if told == "failed"] == ["n02/1.png"]
    assert record.data.n_scored == 3 and record.status == "partial"
    assert "1 samples have no image: n02/1.png" in record.warnings
    assert "1 images belong to no sample: n03/1.png" in record.warnings
    assert all(warning in done.err for warning in record.warnings)


def test_a_sub_folder_of_failures_does_not_stand_in(vt: Callable[..., Any], place: Path) -> None:
    for number in range(4):
        array = write(f"flat/{number}.png")
        write(f"fp/{number}.png" if number != 2 else "fp/failed/2.png", 5 if number != 2 else 50, array)
    _, status, record = scored(vt, "flat", "fp")
    assert status["2.png"] == "failed" and record.data.n_scored == 3
    assert "1 images belong to no sample: failed/2.png" in record.warnings


@pytest.mark.parametrize(("missing", "stray"), [("2", "failed/2"), ("n02/1", "old/n02/1")])
def test_a_file_from_another_place_than_the_rest_does_not_stand_in(
    vt: Callable[..., Any], place: Path, missing: str, stray: str
) -> None:
    folder = missing.rpartition("/")[0]
    for name in ("0", "1", "2"):
        array = write(f"data/{Path(folder, name)}.png")
        if name != Path(missing).name:
            write(f"pred/good/{Path(folder, name)}.png", 5, array)
    write(f"pred/{stray}.png")
    done = vt("score", "--task", "quick.yaml", "--data", "data", "--pred", "pred", "--out", "r")
    assert done.code != 0 and not list(Path("r").rglob("record.json"))
    assert "lie in several places" in done.err and f"{stray}.png" in done.err
    _, status, _ = scored(vt, "data", "pred/good")
    assert [name for name, told in status.items() if told == "failed"] == [f"{missing}.png"]


@pytest.mark.parametrize("suffixes", [("png", "png"), ("webp", "webp"), ("png", "webp")])
def test_other_suffixes_are_one_rule_for_all_and_told(
    vt: Callable[..., Any], place: Path, suffixes: tuple[str, str]
) -> None:
    for number, suffix in enumerate(suffixes):
        write(f"pred/{number}.{suffix}", 5, write(f"data/{number}.png"))
    done, status, record = scored(vt, "data", "pred")
    assert set(status.values()) == {"scored"} and record.warnings == () and record.status == "complete"
    other = "webp" in suffixes
    assert ("paired by relative path without suffix, as " in done.err) is other
    assert record.config.resolved["paired_by"] == ("relative path without suffix" if other else "relative path")


def test_other_folders_are_one_rule_for_all_and_told(vt: Callable[..., Any], place: Path) -> None:
    for name in ("a/0", "b/1"):
        write(f"pred/{name[2:]}.png", 5, write(f"data/{name}.png"))
    done, status, record = scored(vt, "data", "pred")
    assert set(status.values()) == {"scored"}
    told = "no relative path is a sample's; paired by the end of the path, as 'a/0.png' with '0.png'"
    assert record.warnings == (told,) and told in done.err
    assert record.config.resolved["paired_by"] == "end of the path"


@pytest.mark.parametrize("name", ["n03/3.png", "n02/4.png", "N02/3.png"])
def test_names_that_disagree_pair_nothing(vt: Callable[..., Any], place: Path, name: str) -> None:
    write("data/n02/3.png")
    write(f"pred/{name}")
    done = vt("score", "--task", "quick.yaml", "--data", "data", "--pred", "pred", "--out", "r")
    assert done.code == 1 and not list(Path("r").rglob("record.json"))
    assert "none of the 1 images in pred is named like a sample" in done.err
    assert f"samples are named n02/3.png; images {name}" in done.err


def test_a_folder_without_images_is_called_that(vt: Callable[..., Any], place: Path) -> None:
    write("data/1.png")
    Path("pred").mkdir()
    Path("pred/1.heic").write_bytes(b"")
    done = vt("score", "--task", "quick.yaml", "--data", "data", "--pred", "pred")
    assert done.code == 1 and "no images in pred\n  1 files in pred are of no kind that is read" in done.err


def test_two_files_for_one_sample_are_refused(vt: Callable[..., Any], place: Path) -> None:
    array = write("data/0.jpeg.png")
    for suffix in ("jpg", "webp"):
        write(f"pred/0.jpeg.{suffix}", 5, array)
    done = vt("score", "--task", "quick.yaml", "--data", "data", "--pred", "pred")
    assert done.code != 0 and "fits several files" in done.err and "Traceback" not in done.err
