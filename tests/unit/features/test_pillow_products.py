"""Products with Pillow's coefficients against Pillow itself, a plane at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from vtbench.features.pillow_products import bicubic_weights, resized_by_products

SHAPES = [(256, 256, 299), (256, 256, 224), (200, 300, 224), (33, 50, 224), (224, 640, 336), (299, 299, 299), (7, 1, 5)]


def of_pillow(images: Tensor, size: int) -> np.ndarray:
    planes = images.numpy().astype(np.float32)
    resized = np.empty((*planes.shape[:2], size, size), np.float32)
    for index in np.ndindex(*planes.shape[:2]):
        resized[index] = Image.fromarray(planes[index]).resize((size, size), Image.Resampling.BICUBIC)
    return resized


@pytest.mark.parametrize(("height", "width", "size"), SHAPES)
def test_noise_is_resized_as_pillow_does_it(height: int, width: int, size: int) -> None:
    images = torch.randint(0, 256, (2, 3, height, width), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    found, wanted = resized_by_products(images, size), of_pillow(images, size)
    assert found.dtype == torch.float32 and found.shape == wanted.shape
    # within one unit in the last place of the larger of a value and 1: what cancels to less has no such unit of its own
    assert (np.abs(found.numpy() - wanted) <= np.spacing(np.maximum(np.abs(wanted), np.float32(1)))).all()


def test_photographs_too_and_in_parts(crops: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = of_pillow(crops[:4], 224)
    whole = resized_by_products(crops[:4], 224)
    monkeypatch.setattr("vtbench.features.pillow_products._CHUNK_VALUES", 1)
    assert torch.equal(resized_by_products(crops[:4], 224), whole)
    assert (np.abs(whole.numpy() - wanted) <= np.spacing(np.maximum(np.abs(wanted), np.float32(1)))).all()
    assert (whole.numpy() == wanted).mean() > 0.9999


@pytest.mark.parametrize(("side", "size"), [(256, 299), (640, 224), (5, 7)])
def test_what_a_value_counts_adds_up_to_one(side: int, size: int) -> None:
    weights = bicubic_weights(side, size)
    assert weights.shape == (size, side) and not weights.flags.writeable
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=0, atol=1e-15 * side)


def test_nothing_is_nothing() -> None:
    assert resized_by_products(torch.zeros(0, 3, 8, 8, dtype=torch.uint8), 4).shape == (0, 3, 4, 4)
