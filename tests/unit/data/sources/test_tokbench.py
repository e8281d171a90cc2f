from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vtbench.core.errors import SampleError, UsageError
from vtbench.data.ids import check_ids
from vtbench.data.preparing import tokbench_buckets as buckets
from vtbench.data.sources.tokbench import TokBenchFaces, TokBenchText

WORD = {"rec": "Tiredness", "bbox": [3.7, 4.2, 40.9, 20.0], "ratio": 0.021}
POLYGON = {"rec": "kills", "bbox": [[1, 2], [30.6, 2], [30, 9], [1, 9]], "ratio": 0.0475}
FACE = {"kps": [[10, 11.5], [20, 11], [15, 17], [11, 22], [19, 22]], "ratio": 0.25, "box": [5, 6, 30, 33], "gt": 3}


@pytest.fixture
def tokbench(tmp_path: Path, photo: np.ndarray) -> Path:
    """Two sets of words and one of faces, in the archive's layout; images are 90 wide and 60 high."""
    root = tmp_path / "TokBench"
    for name in (
        "text_data/docvqa/d.png",
        "text_data/ic13/img_1.jpg",
        "text_data/ic13/img_2.png",
        "face_data/wflw/0/f.png",
    ):
        path = root / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo).save(path)
    put(root, "text_docvqa", [entry("d.png", [WORD])])
    put(root, "text_ic13", [entry("img_2.png", [POLYGON, WORD]), entry("img_1.jpg", [])])
    put(root, "face_meta", [{"image_name": "0/f.png", "img_height": 60, "img_width": 90, "faces": [FACE]}])
    return root


def put(root: Path, name: str, content: Any) -> None:
    path = root / "annotations" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def entry(name: str, words: list[Any]) -> dict[str, Any]:
    return {"file_name": name, "height": 60, "width": 90, "annotations": words}


def test_words_with_boxes_and_ratios(tokbench: Path, photo: np.ndarray) -> None:
    dataset = TokBenchText(tokbench)
    check_ids(dataset)
    assert dataset.datasets == ("ic13", "docvqa")
    assert dataset.ids == ("ic13/img_2.png", "ic13/img_1.jpg", "docvqa/d.png")
    sample = dataset[0]
    assert np.array_equal(sample.image.permute(1, 2, 0).numpy(), photo)
    assert sample.target == {
        "dataset": "ic13",
        "words": [
            {"text": "kills", "box": [[1, 2], [30, 2], [30, 9], [1, 9]], "ratio": 0.0475},
            {"text": "Tiredness", "box": [3, 4, 40, 20], "ratio": 0.021},
        ],
    }
    assert dataset[1].target["words"] == []


def test_one_part_alone(tokbench: Path) -> None:
    assert TokBenchText(tokbench, "docvqa").ids == TokBenchText(tokbench, ["docvqa"]).ids == ("docvqa/d.png",)
    with pytest.raises(UsageError, match=r"no annotations of 'tt'[\s\S]*found: ic13, docvqa"):
        TokBenchText(tokbench, ["ic13", "tt"])


def test_faces_with_landmarks(tokbench: Path) -> None:
    dataset = TokBenchFaces(tokbench)
    assert dataset.ids == ("0/f.png",)
    landmarks = [[10.0, 11.5], [20.0, 11.0], [15.0, 17.0], [11.0, 22.0], [19.0, 22.0]]
    assert dataset[0].target == {"faces": [{"landmarks": landmarks, "ratio": 0.25, "box": [5.0, 6.0, 30.0, 33.0]}]}


def test_annotations_are_part_of_the_fingerprint(tokbench: Path) -> None:
    before = TokBenchText(tokbench).fingerprint
    put(tokbench, "text_docvqa", [entry("d.png", [{**WORD, "ratio": 0.0211}])])
    assert TokBenchText(tokbench).fingerprint != before


def test_an_image_of_another_size_fails_when_it_is_read(tokbench: Path) -> None:
    put(tokbench, "text_ic13", [{**entry("img_2.png", [WORD]), "height": 90, "width": 60}])
    dataset = TokBenchText(tokbench, "ic13")
    with pytest.raises(SampleError, match=r"ic13/img_2\.png: the image is 90x60, its annotation says 60x90"):
        dataset[0]


def test_a_missing_image_fails_when_it_is_read(tokbench: Path) -> None:
    (tokbench / "images/text_data/docvqa/d.png").unlink()
    dataset = TokBenchText(tokbench)
    with pytest.raises(SampleError, match=r"docvqa/d\.png: cannot be read"):
        dataset[2]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([entry("d.png", [{**WORD, "bbox": [1, 2, 3]}])], r"text_docvqa\.json: entry 0: a box has 4"),
        ([entry("d.png", [WORD]), {"file_name": "e.png"}], r"entry 1: no 'annotations'"),
        ([entry("d.png", [{"rec": "a", "bbox": [1, 2, 3, 4]}])], "entry 0: no 'ratio'"),
        ([entry("d.png", [{**WORD, "rec": 7}])], "entry 0: 7 is not text"),
        ([entry("../../../x.png", [])], r"'\.\./\.\./\.\./x\.png' lies outside"),
        ([entry("d.png", []), entry("d.png", [])], r"docvqa/d\.png is annotated twice"),
        ({"d.png": []}, "is not a list of images"),
        (["d.png"], "entry 0"),
    ],
)
def test_malformed_annotations_are_told(tokbench: Path, content: Any, told: str) -> None:
    put(tokbench, "text_docvqa", content)
    with pytest.raises(UsageError, match=told):
        TokBenchText(tokbench)


def test_faces_need_five_landmarks(tokbench: Path) -> None:
    meta = {"image_name": "0/f.png", "img_height": 60, "img_width": 90, "faces": [{**FACE, "kps": [[1, 2]] * 4}]}
    put(tokbench, "face_meta", [meta])
    with pytest.raises(UsageError, match="entry 0: 4 landmarks, not 5"):
        TokBenchFaces(tokbench)


def test_another_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no annotations of text[\s\S]*annotations/ and images/"):
        TokBenchText(tmp_path)
    with pytest.raises(UsageError, match=r"face_meta\.json does not exist"):
        TokBenchFaces(tmp_path)


@pytest.mark.parametrize(
    ("bucket", "size", "edges"),
    [
        (buckets.text_bucket, 256, (0.02, 0.03, 0.04)),
        (buckets.text_bucket, 512, (0.01, 0.02, 0.03)),
        (buckets.text_bucket, 1024, (0.005, 0.01, 0.02)),
        (buckets.face_bucket, 256, (0.1, 0.2, 0.3)),
        (buckets.face_bucket, 512, (0.05, 0.1, 0.2)),
        (buckets.face_bucket, 1024, (0.02, 0.05, 0.1)),
    ],
)
def test_a_bucket_holds_its_lower_edge_and_not_its_upper(bucket: Any, size: int, edges: tuple[float, ...]) -> None:
    below = [math.nextafter(edge, 0) for edge in (*edges, 1.0)]
    assert [bucket(ratio, size) for ratio in edges] == ["small", "medium", "large"]
    assert [bucket(ratio, size) for ratio in below] == [None, "small", "medium", "large"]
    assert bucket(0.0, size) is None and bucket(1.0, size) is None


def test_other_resolutions_have_no_buckets() -> None:
    with pytest.raises(UsageError, match=r"384[\s\S]*256, 512, 1024"):
        buckets.text_bucket(0.1, 384)
    with pytest.raises(UsageError, match="no size buckets"):
        buckets.face_edges(0)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.06)), min_size=1, max_size=60))
def test_bucket_means_equal_a_histogram(instances: list[tuple[float, float]]) -> None:
    values, ratios = (np.array(column) for column in zip(*instances, strict=True))
    edges = buckets.text_edges(256)
    found = buckets.bucket_means(list(values), list(ratios), edges)
    place = np.digitize(ratios, edges)  # 0 below the first edge
    for bucket in (1, 2, 3):
        members = values[place == bucket]
        assert found.counts[bucket - 1] == len(members)
        expected = members.mean() if len(members) else math.nan
        assert found.means[bucket - 1] == pytest.approx(expected, abs=1e-12, nan_ok=True)
    assert found.ignored == int((place == 0).sum())
    assert sum(found.counts) + found.ignored == len(values)


def test_the_score_is_the_unweighted_mean_of_the_buckets() -> None:
    ratios = [0.021] * 8 + [0.03, 0.9, 0.001]
    found = buckets.bucket_means([0.0] * 8 + [1.0, 0.5, 1.0], ratios, buckets.text_edges(256))
    assert found.means == (0.0, 1.0, 0.5) and found.counts == (8, 1, 1) and found.ignored == 1
    assert found.mean == 0.5  # 0.15 if instances counted alike
    assert math.isnan(buckets.bucket_means([1.0], [0.5], buckets.text_edges(256)).mean)
    with pytest.raises(ValueError):
        buckets.bucket_means([1.0, 2.0], [0.5], buckets.text_edges(256))
