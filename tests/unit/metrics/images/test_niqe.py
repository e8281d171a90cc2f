"""NIQE against the paper's steps in NumPy and SciPy, and pinned on pictures of scikit-image."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import convolve
from scipy.special import gamma
from skimage import data, filters

from vtbench import assets
from vtbench.metrics.images.niqe import GaussianShapes, Niqe, NiqeFloor, block_features, window_taps
from vtbench.metrics.images.windows import gaussian_taps

Array = NDArray[np.float64]
PINNED = {"chelsea": 2.639396, "astronaut": 4.432450, "coffee": 6.919290}


@pytest.fixture(scope="module")
def pristine() -> dict[str, torch.Tensor]:
    if os.environ.get("VTBENCH_OFFLINE") == "1" and not assets.status("niqe").available:
        pytest.skip("niqe is not at hand, and VTBENCH_OFFLINE=1")
    return assets.load_tensors("niqe")


def batch(*images: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)


def photo(name: str, side: int = 300) -> NDArray[np.uint8]:
    return np.ascontiguousarray(getattr(data, name)()[:side, 20 : 20 + side])


def fitted(values: Array) -> tuple[float, float, float]:
    """Moment matching over the shapes 0.2, 0.201 … 10, tried one and all."""
    shapes = np.arange(0.2, 10.001, 0.001)
    table = gamma(2 / shapes) ** 2 / (gamma(1 / shapes) * gamma(3 / shapes))
    left, right = (np.sqrt(np.mean(values[side] ** 2)) for side in (values < 0, values > 0))
    lean = left / right
    ratio = np.mean(np.abs(values)) ** 2 / np.mean(values**2)
    ratio *= (lean**3 + 1) * (lean + 1) / (lean**2 + 1) ** 2
    shape = shapes[np.argmin((table - ratio) ** 2)]
    scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    return shape, left * scale, right * scale


def features(block: Array) -> list[float]:
    shape, left, right = fitted(block)
    found = [shape, (left + right) / 2]
    for shift in ((0, 1), (1, 0), (1, 1), (1, -1)):
        shape, left, right = fitted(block * np.roll(block, shift, axis=(0, 1)))
        found += [shape, (right - left) * gamma(2 / shape) / gamma(1 / shape), left, right]
    return found


def halving(size: int) -> Array:
    """MATLAB's ``imresize`` by 1/2 as a matrix ``[size/2,size]``, from its definition."""

    def cubic(x: float) -> float:
        x = abs(x)
        if x <= 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x <= 2 else 0.0

    matrix = np.zeros((size // 2, size))
    for row in range(size // 2):
        centre = 2 * row + 0.5
        taps = {place: cubic((centre - place) / 2) for place in range(math.floor(centre) - 4, math.floor(centre) + 6)}
        for place, weight in taps.items():
            mirrored = -1 - place if place < 0 else 2 * size - 1 - place if place >= size else place
            matrix[row, mirrored] += weight / sum(taps.values())
    return matrix


def of_the_paper(image: NDArray[np.uint8], pristine: dict[str, torch.Tensor]) -> float:
    rows, columns = (side // 96 for side in image.shape[:2])
    luma = np.rint(image[: rows * 96, : columns * 96] @ np.array([65.481, 128.553, 24.966]) / 255 + 16)
    window = pristine["gaussian_window"].numpy()
    scales = []
    for side in (96, 48):
        mean = convolve(luma, window, mode="nearest")
        spread = np.sqrt(np.abs(convolve(luma**2, window, mode="nearest") - mean**2))
        normal = (luma - mean) / (spread + 1)
        places = [(r * side, c * side) for r in range(rows) for c in range(columns)]
        scales.append(np.array([features(normal[r : r + side, c : c + side]) for r, c in places]))
        luma = halving(luma.shape[0]) @ luma @ halving(luma.shape[1]).T
    found = np.concatenate(scales, axis=1)
    gap = pristine["mu_pris_param"].numpy()[0] - found.mean(0)
    both = (pristine["cov_pris_param"].numpy() + np.cov(found, rowvar=False)) / 2
    return float(np.sqrt(gap @ np.linalg.pinv(both) @ gap))


def test_it_is_the_papers_computation(pristine: dict[str, torch.Tensor]) -> None:
    metric = Niqe(pristine)
    image = photo("chelsea")
    noise = np.random.default_rng(1).normal(0, 15, image.shape)
    blurred = np.rint(filters.gaussian(image, 2, channel_axis=2, preserve_range=True))
    for version in (image, np.clip(np.rint(image + noise), 0, 255), blurred):
        shown = version.astype(np.uint8)
        ours = metric(batch(shown), batch(shown)).item()
        assert ours == pytest.approx(of_the_paper(shown, pristine), abs=1e-4)


def test_values_on_photographs_and_who_is_looked_at(pristine: dict[str, torch.Tensor]) -> None:
    images = batch(*(photo(name) for name in PINNED))
    black = torch.zeros_like(images)
    assert Niqe(pristine)(images, black).tolist() == pytest.approx(list(PINNED.values()), abs=1e-5)
    assert NiqeFloor(pristine)(black, images).tolist() == Niqe(pristine)(images, black).tolist()


def test_a_batch_is_its_images(pristine: dict[str, torch.Tensor]) -> None:
    images = batch(*(photo(name) for name in PINNED))
    metric = Niqe(pristine)
    assert metric(images, images).tolist() == [metric(one[None], one[None]).item() for one in images]
    assert metric(images[:0], images[:0]).shape == (0,)
    shapes = GaussianShapes()
    alone = [block_features(one[None], shapes)[0] for one in images]
    torch.testing.assert_close(block_features(images, shapes), torch.stack(alone), rtol=1e-12, atol=0)


def test_flat_parts_have_no_statistics(pristine: dict[str, torch.Tensor]) -> None:
    """A flat image has no value; a flat block takes no part, and no rounding noise is fitted in its place."""
    metric = Niqe(pristine)
    flat = torch.full((1, 3, 256, 256), 77, dtype=torch.uint8)
    assert metric(flat, flat).isnan().all()
    image = batch(photo("chelsea", 288))
    image[..., :104, :104] = 201
    unknown = block_features(image, GaussianShapes()).isnan().any(2)[0]
    assert unknown.tolist() == [True] + [False] * 8
    assert metric(image, image).isfinite().all()
    assert sum(window_taps()) == 1.0
    assert max(abs(a - b) for a, b in zip(window_taps(), gaussian_taps(7, 7 / 6), strict=True)) < 5e-7


def test_the_rest_beyond_whole_blocks_is_not_looked_at(pristine: dict[str, torch.Tensor]) -> None:
    metric = Niqe(pristine)
    image = batch(photo("coffee", 287))
    cut = image[..., :192, :192].contiguous()
    assert metric(image, image).item() == metric(cut, cut).item()
