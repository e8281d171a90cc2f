"""The detectors that are at hand without a hub, on photographs of scikit-image; skipped where they were not fetched."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from vtbench import assets
from vtbench.detectors import DETECTORS
from vtbench.detectors.contract import COCO
from vtbench.detectors.movenet import KEY_POINTS, MoveNet
from vtbench.detectors.nanodet import Nanodet, _boxes, _chosen


def photograph(name: str) -> Tensor:
    import skimage.data

    found = getattr(skimage.data, name)()
    image = found[0] if isinstance(found, tuple) else found
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)


def fetched(name: str) -> None:
    if not assets.status(name).available:
        pytest.skip(f"{name} is not fetched: vtbench fetch {name}")


def test_nanodet_finds_what_is_there() -> None:
    fetched("nanodet_g_416")
    detector = Nanodet()
    for name, wanted, score in (("astronaut", "person", 0.736), ("coffee", "cup", 0.534)):
        (found,) = detector(photograph(name)[None])
        assert COCO[found.classes[0]] == wanted and found.scores[0] == pytest.approx(score, abs=0.005)
        assert (found.boxes[:, :2] < found.boxes[:, 2:]).all() and found.masks is None
    person = detector(photograph("astronaut")[None])[0].boxes[0]
    assert person == pytest.approx([14, 14, 364, 508], abs=6)


def test_an_image_has_its_own_objects_whatever_is_beside_it() -> None:
    fetched("nanodet_g_416")
    detector, image = Nanodet(), photograph("astronaut")
    pair = detector(torch.stack([image, image.flip(2)]))
    (alone,) = detector(image[None])
    np.testing.assert_array_equal(pair[0].boxes, alone.boxes)
    mirrored = pair[1].boxes[0]
    assert [512 - mirrored[2], 512 - mirrored[0]] == pytest.approx(alone.boxes[0][[0, 2]].tolist(), abs=25)


def test_boxes_are_read_from_distributions() -> None:
    sides = torch.full((26 * 26, 4, 11), -50.0)
    sides[:, 0, 1] = sides[:, 1, 2] = sides[:, 2, 0] = 50  # one stride to the left, two above, none to the right
    sides[:, 3, 3] = sides[:, 3, 4] = 50  # half of it at three, half at four
    boxes = _boxes(sides.flatten(1), 16)
    assert boxes[26 * 5 + 3].tolist() == pytest.approx([56 - 16, 88 - 32, 56, 88 + 56])


def test_of_boxes_of_one_class_the_surest_stays() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 10]])
    scores = torch.zeros(3, 80)
    scores[0, 5], scores[1, 5], scores[2, 7], scores[2, 9] = 0.5, 0.8, 0.6, 0.05
    found = _chosen(boxes, scores)
    assert list(zip(found.classes.tolist(), found.scores.round(2).tolist(), strict=True)) == [(5, 0.8), (7, 0.6)]


def test_movenet_finds_a_face_and_shoulders() -> None:
    fetched("movenet_lightning")
    estimator, image = MoveNet(), photograph("astronaut")
    found = estimator(torch.stack([image, image.flip(2)]))
    assert found.shape == (2, 17, 3) and found.dtype == torch.float32
    wanted = {"nose": (222, 121), "left eye": (246, 101), "right eye": (204, 99), "right shoulder": (109, 256)}
    for name, place in wanted.items():
        x, y, score = found[0, KEY_POINTS.index(name)].tolist()
        assert (x, y) == pytest.approx(place, abs=8) and score > 0.4
    left = found[1, KEY_POINTS.index("left eye")]
    assert float(left[0]) == pytest.approx(512 - 204, abs=10)  # mirrored, the left eye is the other one
    wide = torch.cat([image, torch.zeros(3, 512, 200, dtype=torch.uint8)], dim=2)
    assert estimator(wide[None])[0, 0, :2].tolist() == pytest.approx([222, 121], abs=12)


def test_detectors_are_named() -> None:
    assert len(COCO) == len(set(COCO)) == 80 and len(KEY_POINTS) == 17
    assert "nanodet" in DETECTORS.names()
