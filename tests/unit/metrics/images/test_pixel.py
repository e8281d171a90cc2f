"""Pixel errors against scikit-image and closed forms."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data, metrics

from vtbench.core.errors import AdapterError
from vtbench.metrics.images.pixel import Mae, Psnr, PsnrPooled


def as_batch(array) -> torch.Tensor:
    return torch.from_numpy(np.array(array)).permute(2, 0, 1)[None].contiguous()


def jpeg(array, quality):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


@pytest.fixture(scope="module")
def photo():
    return data.coffee()[:200, 100:356].copy()


@pytest.mark.parametrize("quality", [10, 50, 95])
def test_psnr_and_mse_equal_scikit_image(photo, quality):
    distorted = jpeg(photo, quality)
    prediction, reference = as_batch(distorted), as_batch(photo)
    expected = metrics.peak_signal_noise_ratio(photo, distorted, data_range=255)
    assert Psnr()(prediction, reference, ()).item() == pytest.approx(expected, rel=1e-12)
    expected = metrics.mean_squared_error(photo, distorted)
    assert PsnrPooled()(prediction, reference, ()).item() == pytest.approx(expected, rel=1e-12)
    expected = np.abs(photo.astype(float) - distorted).mean()
    assert Mae()(prediction, reference, ()).item() == pytest.approx(expected, rel=1e-12)


def test_closed_forms():
    black, white = torch.zeros(1, 3, 5, 7, dtype=torch.uint8), torch.full((1, 3, 5, 7), 255, dtype=torch.uint8)
    assert Psnr()(white, black).tolist() == [0.0]
    assert PsnrPooled()(black, white).tolist() == [255.0**2]
    assert Mae()(black, white).tolist() == [255.0]
    one = black.clone()
    one[0, 1, 2, 3] = 1
    assert Psnr()(one, black).item() == pytest.approx(10 * math.log10(255**2 * 105), abs=1e-12)
    assert Mae()(one, black).item() == 1 / 105


def test_equal_images(photo):
    batch = as_batch(photo)
    assert Psnr()(batch, batch).tolist() == [math.inf]
    assert PsnrPooled()(batch, batch).tolist() == [0.0]
    assert Mae()(batch, batch).tolist() == [0.0]


@pytest.mark.parametrize("metric", [Psnr(), PsnrPooled(), Mae()])
def test_rows_do_not_depend_on_the_batch(metric, photo):
    batch = torch.cat([as_batch(jpeg(photo, quality)) for quality in (5, 30, 60, 90)])
    reference = as_batch(photo).expand_as(batch)
    together = metric(batch, reference, [None] * 4)
    alone = torch.cat([metric(batch[i : i + 1], reference[i : i + 1], [None]) for i in range(4)])
    assert together.dtype == torch.float64 and torch.equal(together, alone)
    assert metric(batch[:0], reference[:0], []).shape == (0,)


@pytest.mark.parametrize("metric", [Psnr(), PsnrPooled(), Mae()])
def test_wrong_inputs_are_refused(metric):
    good = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    for bad in (good.float(), good[0], good[:, :1], good[..., :7], good.expand(2, 3, 8, 8)):
        with pytest.raises(AdapterError, match=metric.info.name):
            metric(bad, good, [None])
