"""Canny's edges against the definition written down pixel by pixel, and on shapes whose edges are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage import data
from torch import Tensor

from vtbench.core.errors import UsageError
from vtbench.core.naming.reference import parse_reference
from vtbench.estimators import MAP_ESTIMATORS
from vtbench.estimators.canny import Canny

HEIGHT, WIDTH = 37, 44


@pytest.fixture(scope="module")
def photos() -> Tensor:
    """``uint8 [3,3,37,44]``: eyes, hair and a flag."""
    whole = torch.from_numpy(data.astronaut().copy()).permute(2, 0, 1)
    return torch.stack([whole[:, y : y + HEIGHT, x : x + WIDTH] for y, x in ((90, 180), (30, 150), (5, 5))])


def pixel_by_pixel(image: np.ndarray, low: float, high: float) -> np.ndarray:
    """``uint8 [3,H,W]`` to ``bool [H,W]``, with two-dimensional kernels and a walk from strong pixels to weak ones."""
    grey = np.tensordot((0.299, 0.587, 0.114), image / 255.0, axes=1)
    rows, columns = grey.shape
    weights = np.array([[math.exp(-(y * y + x * x) / 2) for x in range(-2, 3)] for y in range(-2, 3)])
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])

    def windows(values: np.ndarray, kernel: np.ndarray, mode: str) -> np.ndarray:
        radius = len(kernel) // 2
        padded = np.pad(values, radius, mode=mode)
        cut = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)
        return (cut * kernel).sum((2, 3))

    blurred = windows(grey, weights / weights.sum(), "reflect")
    across, down = (windows(blurred, kernel, "edge") for kernel in (sobel, sobel.T))
    magnitude = np.sqrt(across**2 + down**2 + 1e-6)
    ridges = np.zeros_like(magnitude)
    for y in range(rows):
        for x in range(columns):
            eighth = round(math.atan2(down[y, x], across[y, x]) / (math.pi / 4)) % 4
            dy, dx = ((0, 1), (1, 1), (1, 0), (1, -1))[eighth]
            beside = [(y + dy, x + dx), (y - dy, x - dx)]
            ahead, behind = (magnitude[p] if 0 <= p[0] < rows and 0 <= p[1] < columns else 0.0 for p in beside)
            if magnitude[y, x] > max(ahead, behind):
                ridges[y, x] = magnitude[y, x]
    edges, waiting = ridges > high, list(zip(*np.nonzero(ridges > high), strict=True))
    while waiting:
        y, x = waiting.pop()
        for ny in range(max(0, y - 1), min(rows, y + 2)):
            for nx in range(max(0, x - 1), min(columns, x + 2)):
                if ridges[ny, nx] > low and not edges[ny, nx]:
                    edges[ny, nx] = True
                    waiting.append((ny, nx))
    return edges


@pytest.mark.parametrize(("low", "high"), [(0.1, 0.2), (0.3, 1.2)])
def test_edges_are_those_of_the_definition(photos: Tensor, low: float, high: float) -> None:
    found = Canny(low, high)(photos)
    expected = np.stack([pixel_by_pixel(photo.numpy(), low, high) for photo in photos])
    assert found.dtype == torch.float32 and found.shape == (3, HEIGHT, WIDTH)
    assert 20 < expected[0].sum() < 700 and np.array_equal(found.numpy() == 1, expected)
    assert set(found.unique().tolist()) == {0.0, 1.0}


def test_weak_edges_stay_where_they_are_linked_to_strong_ones(photos: Tensor) -> None:
    linked, strong, weak = (Canny(*limits)(photos).sum().item() for limits in ((0.1, 0.9), (0.9, 0.9), (0.1, 0.1)))
    assert strong < linked < weak


@pytest.mark.parametrize("levels", [(0, 255), (255, 0), (77, 31), (3, 250)])
def test_a_step_is_one_pixel_wide_and_lies_on_its_left_or_upper_side(levels: tuple[int, int]) -> None:
    image = torch.full((1, 3, 32, 32), levels[0], dtype=torch.uint8)
    image[..., 16:] = levels[1]
    expected = torch.zeros(32, 32)
    expected[:, 15] = 1
    assert torch.equal(Canny()(image)[0], expected)
    assert torch.equal(Canny()(image.transpose(2, 3))[0], expected.T)


def test_flat_and_tiny_images_have_none() -> None:
    for side in (1, 2, 3, 16):
        assert not Canny()(torch.full((2, 3, side, side), 90, dtype=torch.uint8)).any()


def test_no_pixel_depends_on_threads_or_on_the_images_beside(photos: Tensor) -> None:
    before, together = torch.get_num_threads(), Canny()(photos)
    try:
        torch.set_num_threads(3)
        assert torch.equal(Canny()(photos), together)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(Canny()(photos[2:]), together[2:])


def test_it_is_called_by_name_and_refuses_what_makes_no_sense(photos: Tensor) -> None:
    made = MAP_ESTIMATORS.create(parse_reference("canny,low=0.3,high=1.2"))
    assert torch.equal(made(photos), Canny(0.3, 1.2)(photos))
    assert (made.id, made.gives) == ("canny@1-low0.3-high1.2", "edges") and made.to(device=torch.device("cpu")) is made
    for low, high in ((0.0, 0.1), (0.3, 0.2), (0.1, math.inf)):
        with pytest.raises(UsageError, match="thresholds"):
            Canny(low, high)
    for wrong in (photos[0], photos.float(), photos[:, :1], photos[:0]):
        with pytest.raises(ValueError, match=r"uint8 \[B,3,H,W\]"):
            made(wrong)
