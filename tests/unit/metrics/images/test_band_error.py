"""``band_error``: a grating's error is in the band of its frequency, and the bands add up to the pooled error."""

import math

import numpy as np
import pytest
import torch

from vtbench.metrics.images.band_error import BandError
from vtbench.metrics.images.pixel import mean_squared_error
from vtbench.results.records.statistics import aggregate

BANDS = [0.0, 1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2]


def _columns(prediction, reference):
    return {name: column.numpy() for name, column in BandError()(prediction, reference).items()}


def test_the_bands_add_up_to_the_mean_squared_error():
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randint(0, 256, (2, 3, 3, 40, 56), generator=generator, dtype=torch.uint8)
    rows = BandError().rows(_columns(first, second))
    np.testing.assert_allclose(rows, mean_squared_error(first, second).numpy(), rtol=1e-12)
    pooled = aggregate(rows, BandError.info.aggregation).value
    assert pooled == pytest.approx(-aggregate(rows, "pooled_psnr").value)


@pytest.mark.parametrize("period", [2, 6, 12, 25, 50])
def test_losing_a_grating_shows_in_its_own_band(period):
    grey = torch.full((1, 3, 300, 300), 128, dtype=torch.uint8)
    wave = 128 + 60 * torch.cos(2 * math.pi * torch.arange(300) / period)
    grating = wave.round().to(torch.uint8).expand(1, 3, 300, 300)
    parts = BandError().parts(_columns(grey, grating))
    values = {float(name.removeprefix("band=")): float(rows[0]) for name, rows in parts.items()}
    assert list(values) == BANDS
    expected = max(low for low in BANDS if low <= 1 / period)
    assert max(values, key=values.get) == expected
    # what rounding to 8 bits leaves in the other bands is far below the grating's own 60²/2 (60² where it alternates)
    assert values[expected] > 100 * max(value for low, value in values.items() if low != expected)


def test_equal_images_have_no_error_in_any_band():
    image = torch.randint(0, 256, (2, 3, 16, 16), dtype=torch.uint8)
    for rows in BandError().parts(_columns(image, image)).values():
        assert aggregate(rows, BandError.info.aggregation).value == -math.inf
