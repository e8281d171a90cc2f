"""No bit of an image metric depends on the number of threads, nor on the images beside an image."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from vtbench.metrics.catalog.images import BLOCK_INFOS, BLOCK_REGISTRY, IMAGE_INFOS, IMAGE_REGISTRY

HEIGHT, WIDTH = 203, 205
"""Odd, and more than NIQE and seams need."""


@pytest.fixture(autouse=True)
def _threads_put_back() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def pair() -> tuple[Tensor, Tensor]:
    """Smooth pictures and noisy ones of them; long enough a sum that torch would split it."""
    generator = torch.Generator().manual_seed(3)
    coarse = torch.rand((3, 3, 12, 12), generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (HEIGHT, WIDTH), mode="bicubic").clamp(0, 1)
    noisy = (smooth + 0.05 * torch.randn(smooth.shape, generator=generator)).clamp(0, 1)
    return (noisy * 255).to(torch.uint8), (smooth * 255).to(torch.uint8)


@pytest.mark.parametrize("name", sorted(IMAGE_INFOS))
def test_of_an_image_metric(name: str, pair: tuple[Tensor, Tensor]) -> None:
    metric, (prediction, reference) = IMAGE_REGISTRY.load(name)(), pair
    found = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        found.append(metric(prediction, reference, [None] * 3))
    torch.set_num_threads(2)
    found.append(
        torch.cat([metric(prediction[:2], reference[:2], [None] * 2), metric(prediction[2:], reference[2:], [0])])
    )
    assert found[0].isfinite().all()
    assert torch.equal(found[0], found[1]) and torch.equal(found[0], found[2])


@pytest.mark.parametrize("name", sorted(BLOCK_INFOS))
def test_of_a_block_metric(name: str, pair: tuple[Tensor, Tensor]) -> None:
    metric, found = BLOCK_REGISTRY.load(name)(), []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        found.append(metric(*pair, [None] * 3))
    assert all(torch.equal(found[0][column], found[1][column]) for column in metric.columns)
