"""Gradient similarity against a SciPy version written from the paper, closed forms and hard sizes."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter
from scipy.signal import convolve2d
from skimage import data

from vtbench.core.errors import AdapterError
from vtbench.metrics.images.gradient_similarity import GradientSimilarity, GradientSimilarityDeviation, similarity_map

METRICS = [GradientSimilarity(), GradientSimilarityDeviation()]


def as_batch(array) -> torch.Tensor:
    return torch.from_numpy(np.array(array)).permute(2, 0, 1)[None].contiguous()


def jpeg(array, quality):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def blur(array, radius):
    return np.asarray(Image.fromarray(array).filter(ImageFilter.GaussianBlur(radius)))


def magnitude(image):
    luma = image.astype(float) @ [0.299, 0.587, 0.114]
    # the 2 × 2 mean whose top left pixel has even coordinates
    half = convolve2d(luma, np.full((2, 2), 0.25))[1:, 1:][::2, ::2]
    prewitt = np.array([[1, 0, -1]] * 3) / 3
    return np.hypot(convolve2d(half, prewitt, mode="same"), convolve2d(half, prewitt.T, mode="same"))


def from_the_paper(prediction, reference):
    x, y = magnitude(prediction), magnitude(reference)
    return (2 * x * y + 170) / (x**2 + y**2 + 170)


@pytest.fixture(scope="module")
def photo():
    return data.astronaut()[20:180, 140:300].copy()


DISTORTIONS = {
    "jpeg": lambda x: jpeg(x, 10),
    "blur": lambda x: blur(x, 2),
    "noise": lambda x: x ^ np.random.default_rng(0).integers(0, 32, x.shape, np.uint8),
    "negative": lambda x: 255 - x,
    "black": np.zeros_like,
}


@pytest.mark.parametrize("name", DISTORTIONS)
def test_equals_the_paper_written_in_scipy(photo, name):
    distorted = DISTORTIONS[name](photo)
    expected = from_the_paper(distorted, photo)
    pair = as_batch(distorted), as_batch(photo)
    assert np.allclose(similarity_map(*pair)[0].numpy(), expected, rtol=0, atol=1e-11)
    assert GradientSimilarity()(*pair).item() == pytest.approx(expected.mean(), abs=1e-12)
    assert GradientSimilarityDeviation()(*pair).item() == pytest.approx(expected.std(), abs=1e-12)


@pytest.mark.parametrize("height", [1, 5, 40])
def test_a_lost_step_of_known_height(height):
    reference = torch.full((1, 3, 32, 64), 90, dtype=torch.uint8)
    prediction = reference.clone()
    reference[..., 32:] += height
    found = similarity_map(prediction, reference)[0]
    # away from the border; the step lies between the columns 15 and 16 of the halved image
    assert found[8, 15].item() == pytest.approx(170 / (height**2 + 170), abs=1e-13)
    assert found[8, 16].item() == found[8, 15].item()
    assert found[8, 5].item() == found[8, 25].item() == 1.0


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (33, 17), (64, 48)])
def test_equal_images_are_perfect(photo, size):
    batch = as_batch(photo[: size[0], : size[1]])
    assert GradientSimilarity()(batch, batch).tolist() == [1.0]
    assert GradientSimilarityDeviation()(batch, batch).tolist() == [0.0]


def test_an_odd_row_and_column_count_as_if_doubled(photo):
    odd, other = photo[:33, :17], blur(photo, 1)[:33, :17]
    even, even_other = (np.pad(image, ((0, 1), (0, 1), (0, 0)), mode="edge") for image in (odd, other))
    for metric in METRICS:
        assert metric(as_batch(other), as_batch(odd)).equal(metric(as_batch(even_other), as_batch(even)))


def test_more_blur_is_worse(photo):
    blurred = [as_batch(blur(photo, radius)) for radius in (0.5, 1, 2, 4)]
    values = [GradientSimilarity()(image, as_batch(photo)).item() for image in blurred]
    assert values == sorted(values, reverse=True) and values[0] > 0.9 > values[-1]


def test_it_is_symmetric(photo):
    distorted = as_batch(jpeg(photo, 10))
    for metric in METRICS:
        assert metric(distorted, as_batch(photo)).equal(metric(as_batch(photo), distorted))


@pytest.mark.parametrize("metric", METRICS)
def test_rows_do_not_depend_on_the_batch(metric, photo):
    batch = torch.cat([as_batch(jpeg(photo, quality)) for quality in (5, 30, 90)])
    reference = as_batch(photo).expand_as(batch)
    together = metric(batch, reference, [None] * 3)
    alone = torch.cat([metric(batch[i : i + 1], reference[i : i + 1], [None]) for i in range(3)])
    assert together.dtype == torch.float64 and torch.equal(together, alone)
    # as on a device that takes several images at a time
    assert torch.equal(similarity_map(batch, reference)[1:2], similarity_map(batch[1:2], reference[1:2]))
    assert metric(batch[:0], reference[:0], []).shape == (0,)


@pytest.mark.parametrize("metric", METRICS)
def test_wrong_inputs_are_refused(metric):
    good = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    for bad in (good.float(), good[0], good[:, :1], good[..., :7]):
        with pytest.raises(AdapterError, match=metric.info.name):
            metric(bad, good, [None])
