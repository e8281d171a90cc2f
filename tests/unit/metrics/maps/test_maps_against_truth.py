"""Metrics of maps against scikit-learn and formulas written out, and files that are read as they are."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import confusion_matrix, jaccard_score

from vtbench.core.errors import SampleError, UsageError
from vtbench.data.maps.folder import MapFolder
from vtbench.data.maps.reading import read_depth, read_labels, read_normals
from vtbench.metrics.maps.depth import depth_values
from vtbench.metrics.maps.normals import normal_values
from vtbench.metrics.maps.segmentation import confusion, intersection_over_union, mean_iou


def test_confusion_is_scikit_learns() -> None:
    draw = np.random.default_rng(0)
    truth, guess = draw.integers(0, 7, (40, 50)), draw.integers(0, 7, (40, 50))
    truth[truth == 6] = 255
    counts = confusion(guess, truth, 7, 255)
    valid = truth != 255
    assert (counts[:, :7] == confusion_matrix(truth[valid], guess[valid], labels=range(7))).all()
    assert not counts[:, 7].any()
    each = jaccard_score(truth[valid], guess[valid], labels=range(7), average=None)
    assert intersection_over_union(counts) == pytest.approx(each)
    assert mean_iou(counts) == pytest.approx(100 * each.mean())
    assert mean_iou(counts, [1, 2]) == pytest.approx(100 * each[1:3].mean())


def test_classes_that_nobody_has_and_pixels_that_nobody_labels() -> None:
    truth, guess = np.array([[0, 0, 1, 255]]), np.array([[0, 255, 1, 0]])
    counts = confusion(guess, truth, 3, 255)
    assert counts.tolist() == [[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0]]
    each = intersection_over_union(counts)
    assert each[:2].tolist() == [0.5, 1.0] and math.isnan(each[2])
    assert mean_iou(counts) == 75.0 and math.isnan(mean_iou(counts, [2]))


def test_depths_by_hand() -> None:
    truth = np.array([[2.0, 4.0, 0.0, np.nan], [10.0, 1.0, -1.0, 8.0]])
    guess = np.array([[2.4, 3.0, 9.0, 9.0], [12.5, 1.0, 9.0, 4.0]])
    found = depth_values(guess, truth)
    assert found["depth_absrel"] == pytest.approx(np.mean([0.2, 0.25, 0.25, 0.0, 0.5]))
    assert found["depth_delta1"] == 40.0, "a factor of 1.25 exactly is not less than it"
    with pytest.raises(ValueError, match="1 values of the prediction are not finite"):
        depth_values(np.where(guess == 4.0, np.inf, guess), truth)
    with pytest.raises(ValueError, match="no pixel"):
        depth_values(guess, np.zeros((2, 4)))


def test_normals_by_hand() -> None:
    truth = np.zeros((1, 4, 3))
    truth[0, :3] = [0, 0, 2]
    guess = np.array([[[0, 0, 1], [0, math.sin(0.1), math.cos(0.1)], [0, 0, 0], [1, 0, 0]]], dtype=np.float64)
    found = normal_values(guess, truth)
    assert found["normal_mean_angle"] == pytest.approx((0 + math.degrees(0.1) + 90) / 3)
    assert found["normal_below_11_25"] == pytest.approx(200 / 3)
    draw = np.random.default_rng(0).normal(size=(2, 20, 30, 3))
    unit = draw / np.linalg.norm(draw, axis=-1, keepdims=True)
    angles = np.degrees(np.arccos(np.clip((unit[0] * unit[1]).sum(-1), -1, 1)))
    assert normal_values(draw[0], draw[1])["normal_mean_angle"] == pytest.approx(angles.mean())


def test_files_are_read_as_they_are(tmp_path: Path) -> None:
    labels = np.array([[0, 18], [255, 3]], dtype=np.uint8)
    palette = Image.fromarray(labels, mode="P")
    palette.putpalette([7] * 768)
    palette.save(tmp_path / "palette.png")
    np.save(tmp_path / "labels.npy", labels.astype(np.int32))
    for name in ("palette.png", "labels.npy"):
        assert (read_labels(tmp_path / name, name, 19, 255) == labels).all()
    with pytest.raises(SampleError, match=r"holds 18: labels are 0 to 9.*train ids"):
        read_labels(tmp_path / "palette.png", "palette.png", 10, 255)
    deep = np.array([[256, 65535], [0, 512]], dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert (read_depth(tmp_path / "deep.png", "deep.png", 256.0) == deep / 256.0).all()
    np.save(tmp_path / "deep.npy", deep.astype(np.float32))
    assert (read_depth(tmp_path / "deep.npy", "deep.npy", 256.0) == deep).all()
    normals = np.array([[[255, 0, 127], [127, 255, 255]]], dtype=np.uint8)
    Image.fromarray(normals).save(tmp_path / "normals.png")
    assert read_normals(tmp_path / "normals.png", "normals.png")[0, 0] == pytest.approx([1, -1, -1 / 255])
    for name, read in (
        ("normals.png", lambda p: read_labels(p, "x", 19, 255)),
        ("normals.png", lambda p: read_depth(p, "x", 1.0)),
        ("labels.npy", lambda p: read_normals(p, "x")),
        ("deep.png", lambda p: read_normals(p, "x")),
    ):
        with pytest.raises(SampleError):
            read(tmp_path / name)
    (tmp_path / "broken.png").write_bytes((tmp_path / "deep.png").read_bytes()[:40])
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    for name in ("broken.png", "objects.npy", "nowhere.png"):
        with pytest.raises(SampleError, match=r"x (cannot be read|is no array)"):
            read_depth(tmp_path / name, "x", 1.0)


def test_stems_and_samples_of_them(tmp_path: Path) -> None:
    for name in ("a/one.npy", "a/two/0.npy", "a/two/1.npy", "b.npy", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(tmp_path / name, np.zeros((2, 2))) if name.endswith("npy") else (tmp_path / name).write_text("x")
    found = MapFolder(tmp_path)
    assert found.ids == ("a/one", "a/two/0", "a/two/1", "b")
    assert found.files("a/one") == ["a/one.npy"] and found.files("a/two") == ["a/two/0.npy", "a/two/1.npy"]
    assert found.files("c") == []
    Image.fromarray(np.zeros((2, 2), dtype=np.uint8)).save(tmp_path / "b.png")
    with pytest.raises(UsageError, match="another map of that stem"):
        MapFolder(tmp_path)
    with pytest.raises(UsageError, match="no folder"):
        MapFolder(tmp_path / "nowhere")
