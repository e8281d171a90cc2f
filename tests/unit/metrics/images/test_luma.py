"""PSNR and SSIM of Y against scikit-image's ``rgb2ycbcr`` and its metrics."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage import color, data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from vtbench.core.errors import UsageError
from vtbench.metrics.images.luma import studio_luma
from vtbench.metrics.images.pixel import Psnr, PsnrY
from vtbench.metrics.images.ssim import Ssim, SsimY

Picture = NDArray[np.uint8]
NAMES = ("astronaut", "chelsea", "coffee")


def picture(name: str) -> Picture:
    return np.ascontiguousarray(getattr(data, name)()[40:171, 60:257])


def noisy(image: Picture) -> Picture:
    noise = np.random.default_rng(3).normal(0, 12, image.shape)
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


def batch(*images: Picture) -> torch.Tensor:
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)


def test_y_is_that_of_scikit_image() -> None:
    image = picture("astronaut")
    ours = studio_luma(batch(image))[0, 0].numpy()
    np.testing.assert_allclose(ours, color.rgb2ycbcr(image)[..., 0], atol=1e-10)
    ends = torch.tensor([0, 255], dtype=torch.uint8).view(1, 1, 1, 2).expand(1, 3, 1, 2)
    assert studio_luma(ends).flatten().tolist() == [16.0, 235.0]


@pytest.mark.parametrize("border", [0, 4])
def test_both_are_scikit_images_metrics_of_y(border: int) -> None:
    originals = [picture(name) for name in NAMES]
    predictions = [noisy(image) for image in originals]
    cut = slice(border, -border or None)
    for index, (x, y) in enumerate(zip(predictions, originals, strict=True)):
        a, b = (color.rgb2ycbcr(image)[cut, cut, 0] for image in (x, y))
        similarity = structural_similarity(
            a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
        )
        psnr = PsnrY(border)(batch(*predictions), batch(*originals))[index].item()
        ssim = SsimY(border)(batch(*predictions), batch(*originals))[index].item()
        assert psnr == pytest.approx(peak_signal_noise_ratio(b, a, data_range=255), abs=1e-9)
        assert ssim == pytest.approx(similarity, abs=1e-9)


def test_colour_that_leaves_y_alone_costs_nothing() -> None:
    image = picture("chelsea") // 2 + 60
    tinted = image + np.array([-57, 32, -18])  # 299 · 57 + 114 · 18 is 587 · 32, within 311
    moved = batch(tinted.astype(np.uint8))
    assert PsnrY()(moved, batch(image)).item() > 55 > 25 > Psnr()(moved, batch(image)).item()
    assert PsnrY()(moved, moved).item() == math.inf
    assert SsimY()(moved, moved).item() == 1.0 and SsimY()(moved, batch(image)).item() > 0.9999


def test_full_range_grey_is_compressed_by_219_to_255() -> None:
    grey = batch(np.repeat(picture("coffee")[..., :1], 3, axis=2))
    shifted = torch.clamp(grey.int() + 1, max=255).to(torch.uint8)
    one_level = 10 * math.log10(255**2 / ((219 / 255) ** 2 * (shifted != grey).double().mean().item()))
    assert PsnrY()(shifted, grey).item() == pytest.approx(one_level, abs=1e-9)
    assert SsimY()(noise := batch(noisy(picture("coffee"))), grey).item() != Ssim()(noise, grey).item()


def test_borders_that_cannot_be() -> None:
    for metric in (PsnrY, SsimY):
        with pytest.raises(UsageError, match="border"):
            metric(-1)
        assert math.isnan(metric(100)(batch(picture("coffee")), batch(picture("coffee"))).item())
