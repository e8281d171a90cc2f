"""SSIM against scikit-image, MS-SSIM against pytorch-msssim, on real photographs and hard cases."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter
from skimage import data
from skimage.metrics import structural_similarity

from vtbench.core.errors import AdapterError
from vtbench.metrics.images.ssim import MsSsim, Ssim, SsimUniform7

GAUSSIAN = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


def as_batch(array) -> torch.Tensor:
    return torch.from_numpy(np.array(array)).permute(2, 0, 1)[None].contiguous()


def jpeg(array, quality=10):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def noise(array, sigma=20):
    noisy = array + np.random.default_rng(0).normal(0, sigma, array.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


DISTORTIONS = {
    "jpeg": jpeg,
    "blur": lambda x: np.asarray(Image.fromarray(x).filter(ImageFilter.GaussianBlur(2))),
    "noise": noise,
    "shift": lambda x: np.roll(x, 3, axis=1),
    "one level": lambda x: x ^ 1,
    "negative": lambda x: 255 - x,
    "darker": lambda x: x // 2,
}


def halves(left, right, size=48):
    image = np.full((size, size, 3), left, np.uint8)
    image[:, size // 2 :] = right
    return image


HARD = {
    "constant": (np.full((40, 40, 3), 200, np.uint8), np.full((40, 40, 3), 201, np.uint8)),
    "black and white": (np.zeros((40, 40, 3), np.uint8), np.full((40, 40, 3), 255, np.uint8)),
    "white and nearly white": (np.full((40, 40, 3), 255, np.uint8), np.full((40, 40, 3), 254, np.uint8)),
    "opposed halves": (halves(0, 255), halves(255, 0)),
    "faint noise on white": (halves(255, 250), noise(halves(255, 250), 1)),
    "single window": (data.astronaut()[100:111, 100:111], data.coffee()[100:111, 100:111]),
    "not square": (data.astronaut()[10:27, 50:191], data.coffee()[10:27, 50:191]),
}


@pytest.fixture(scope="module", params=["astronaut", "coffee", "rocket"])
def photo(request):
    return getattr(data, request.param)()[60:316, 90:346].copy()


def expected(first, second, **options):
    return structural_similarity(first, second, channel_axis=2, data_range=255, **options)


@pytest.mark.parametrize("distortion", DISTORTIONS)
def test_ssim_equals_scikit_image_on_photographs(photo, distortion):
    distorted = DISTORTIONS[distortion](photo)
    pair = as_batch(distorted), as_batch(photo)
    assert Ssim()(*pair, [None]).item() == pytest.approx(expected(photo, distorted, **GAUSSIAN), rel=1e-6, abs=1e-9)
    assert SsimUniform7()(*pair, [None]).item() == pytest.approx(expected(photo, distorted), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("case", HARD)
def test_ssim_equals_scikit_image_on_hard_cases(case):
    first, second = HARD[case]
    pair = as_batch(first), as_batch(second)
    assert Ssim()(*pair).item() == pytest.approx(expected(first, second, **GAUSSIAN), rel=1e-6, abs=1e-9)
    assert SsimUniform7()(*pair).item() == pytest.approx(expected(first, second), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("distortion", ["jpeg", "blur", "noise", "shift", "darker"])
def test_ms_ssim_equals_pytorch_msssim(photo, distortion):
    """Its window is rounded to float32. (torchmetrics takes the last scale over a padded map: another number.)"""
    from pytorch_msssim import ms_ssim

    pair = as_batch(DISTORTIONS[distortion](photo)), as_batch(photo)
    reference = ms_ssim(pair[0].double(), pair[1].double(), data_range=255, size_average=False)
    assert MsSsim()(*pair).item() == pytest.approx(reference.item(), abs=1e-5)


@pytest.mark.parametrize(("height", "width"), [(161, 161), (163, 190), (167, 321)])
def test_ms_ssim_of_odd_sizes_equals_a_direct_evaluation(height, width):
    """Against scikit-image's SSIM maps and a mirrored 2 × 2 mean in numpy."""
    first = data.astronaut()[:height, :width].copy()
    second = jpeg(first)
    product, x, y = np.ones(3), first.astype(float), second.astype(float)
    c2 = (0.03 * 255) ** 2
    for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        for channel in range(3):
            a, b = x[..., channel], y[..., channel]
            if scale == 4:
                value = structural_similarity(a, b, data_range=255, **GAUSSIAN)
            else:
                value = _contrast(a, b, c2)
            product[channel] *= max(value, 0) ** weight
        x, y = _halved(x), _halved(y)
    assert MsSsim()(as_batch(second), as_batch(first)).item() == pytest.approx(product.mean(), abs=1e-9)


def _contrast(a, b, c2):
    from scipy.ndimage import gaussian_filter

    def mean(values):
        return gaussian_filter(values, 1.5, truncate=3.5)[5:-5, 5:-5]

    ma, mb = mean(a), mean(b)
    covariance, va, vb = mean(a * b) - ma * mb, mean(a * a) - ma**2, mean(b * b) - mb**2
    return ((2 * covariance + c2) / (va + vb + c2)).mean()


def _halved(image):
    image = np.pad(image, [(0, image.shape[0] % 2), (0, image.shape[1] % 2), (0, 0)], mode="symmetric")
    return (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2]) / 4


@pytest.mark.parametrize("metric", [Ssim(), SsimUniform7(), MsSsim()])
def test_equal_images_score_exactly_one(metric, photo):
    batch = as_batch(photo)
    assert metric(batch, batch.clone()).tolist() == [1.0]
    white = torch.full_like(batch, 255)
    assert metric(white, white).tolist() == [1.0]


@pytest.mark.parametrize(("metric", "side"), [(Ssim(), 11), (SsimUniform7(), 7), (MsSsim(), 161)])
def test_too_small_images_are_nan(metric, side):
    big = torch.zeros(2, 3, side, side + 30, dtype=torch.uint8)
    assert metric(big, big).tolist() == [1.0, 1.0]
    small = big[:, :, 1:]
    found = metric(small, small)
    assert found.shape == (2,) and found.dtype == torch.float64 and found.isnan().all()
    assert metric(small.mT.contiguous(), small.mT.contiguous()).isnan().all()


@pytest.mark.parametrize("metric", [Ssim(), SsimUniform7(), MsSsim()])
def test_rows_do_not_depend_on_the_batch(metric, photo):
    batch = torch.cat([as_batch(DISTORTIONS[name](photo)) for name in ("jpeg", "blur", "noise")])
    reference = as_batch(photo).expand_as(batch)
    together = metric(batch, reference)
    alone = torch.cat([metric(batch[i : i + 1], reference[i : i + 1]) for i in range(3)])
    assert together.dtype == torch.float64 and torch.equal(together, alone)
    assert metric(batch[:0], reference[:0]).shape == (0,)


def test_large_chunks_give_the_same_rows(photo):
    """The path of an accelerator, which scores several images at once."""
    from vtbench.metrics.images import ssim

    batch = torch.cat([as_batch(jpeg(photo, quality)) for quality in (10, 50, 90)])
    reference = as_batch(photo).expand_as(batch)
    for score, metric in (
        (ssim._gaussian_ssim, Ssim()),
        (ssim._uniform_ssim, SsimUniform7()),
        (ssim._multi_scale_ssim, MsSsim()),
    ):
        torch.testing.assert_close(score(batch, reference), metric(batch, reference), rtol=1e-12, atol=0)


def test_more_distortion_scores_lower(photo):
    for metric in (Ssim(), SsimUniform7(), MsSsim()):
        scores = [metric(as_batch(jpeg(photo, q)), as_batch(photo)).item() for q in (95, 50, 20, 5)]
        assert scores == sorted(scores, reverse=True) and not math.isnan(scores[0])


@pytest.mark.parametrize("metric", [Ssim(), SsimUniform7(), MsSsim()])
def test_wrong_inputs_are_refused(metric):
    good = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)
    for bad in (good.float(), good[0], good[:, :1], good[..., :15]):
        with pytest.raises(AdapterError, match=metric.info.name):
            metric(bad, good)
