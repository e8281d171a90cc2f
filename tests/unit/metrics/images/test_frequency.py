"""Errors by frequency: Parseval, NumPy's full transform, and what theory says of averaging blocks of pixels."""

from __future__ import annotations

import io
import math
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from skimage import data

from vtbench.core.errors import AdapterError, UsageError
from vtbench.core.pixels import to_uint8, to_unit
from vtbench.data.embedded.drawing.pattern_waves import AMPLITUDE, SIDE, gray, red_green, sine_grating
from vtbench.data.embedded.patterns_mini import PatternsMini
from vtbench.metrics.images.frequency import HIGH, HIGHEST, OCTAVES, HighFrequencyError, band_energies, band_errors
from vtbench.metrics.images.pixel import mean_squared_error

POWER = AMPLITUDE**2 / 2
ROUNDING = 1.0
"""In squared levels: what rounding to 8 bits may add to a band; ``POWER`` is 6272."""


def as_batch(array) -> torch.Tensor:
    return torch.from_numpy(np.array(array)).permute(2, 0, 1)[None].contiguous()


def jpeg(array, quality):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


@pytest.fixture(scope="module")
def photo():
    return data.coffee()[100:300, 150:406].copy()


def block_means(images, side):
    return to_uint8(F.interpolate(F.avg_pool2d(to_unit(images), side), scale_factor=float(side)))


def power_of(images, across, down):
    """Mean square of one cosine in the first channel: ``POWER`` but for the rounding to 8 bits."""
    plane = images[0, 0].numpy().astype(float)
    y, x = np.indices(plane.shape)
    amplitude = 2 * np.mean(plane * np.cos(2 * np.pi * (across * x + down * y) / SIDE))
    assert amplitude**2 / 2 == pytest.approx(POWER, rel=4e-3)
    return amplitude**2 / 2


def dirichlet(frequency, side):
    """How much of a wave survives a mean of ``side`` samples."""
    sine = math.sin(math.pi * frequency)
    return math.sin(math.pi * frequency * side) / (side * sine) if abs(sine) > 1e-12 else 1.0


@pytest.mark.parametrize(("height", "width"), [(200, 256), (151, 97), (64, 33), (33, 64), (1, 7), (2, 2)])
def test_bands_sum_to_the_mean_squared_error(photo, height, width):
    prediction, reference = (as_batch(image[:height, :width]) for image in (jpeg(photo, 10), photo))
    bands = band_errors(prediction, reference)
    assert bands.shape == (1, len(OCTAVES) - 1) and bands.dtype == torch.float64
    assert bands.sum().item() == pytest.approx(mean_squared_error(prediction, reference).item(), rel=1e-12)


@pytest.mark.parametrize(("height", "width"), [(200, 256), (75, 60)])
def test_equals_numpys_full_transform(photo, height, width):
    prediction, reference = jpeg(photo, 20)[:height, :width], photo[:height, :width]
    spectrum = np.abs(np.fft.fft2(prediction.astype(float) - reference, axes=(0, 1))) ** 2 / (height * width) ** 2
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    edges = (0.0, 0.03, 0.11, 0.24, 0.41, 0.53, 0.7072)  # no bin lies on any of these
    pairs = pairwise(edges)
    expected = [spectrum[(low <= radius) & (radius < high)].sum() / 3 for low, high in pairs]
    found = band_errors(as_batch(prediction), as_batch(reference), edges)[0].tolist()
    assert found == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize(("across", "down"), [(4, 0), (0, 5), (12, 9), (-20, 30), (64, 0), (96, 0), (100, 100)])
def test_a_grating_lies_in_its_band(across, down):
    image = as_batch(gray(sine_grating(across, down)))
    bands, power = band_energies(image)[0].tolist(), power_of(image, across, down)
    frequency = math.hypot(across, down) / SIDE
    own = sum(edge <= frequency for edge in OCTAVES) - 1
    for band, energy in enumerate(bands):
        mean_level = 128.0**2 if band == 0 else 0.0
        expected = mean_level + (power if band == own else 0.0)
        assert energy == pytest.approx(expected, abs=ROUNDING if band else 128.0)


@pytest.mark.parametrize("side", [4, 8, 16])
@pytest.mark.parametrize("periods", [3, 5, 9, 21, 37, 75, 101])
def test_averaging_blocks_attenuates_a_grating_as_theory_says(periods, side):
    """A mean of ``side`` pixels keeps D(f) of a wave; holding it gives D(f) D(ν) at each ν = f + m / side."""
    reference = as_batch(gray(sine_grating(periods, 0)))
    power = power_of(reference, periods, 0)
    edges = (0.0, *(k / 32 + 1 / 512 for k in range(16)), HIGHEST)
    frequency = periods / SIDE
    expected = np.zeros(len(edges) - 1)
    kept = dirichlet(frequency, side)
    for m in range(side):
        wave = frequency + m / side
        folded = abs(wave - round(wave))
        error = (1 - kept**2) if m == 0 else kept * dirichlet(wave, side)
        expected[sum(edge <= folded for edge in edges) - 1] += power * error**2
    found = band_errors(block_means(reference, side), reference, edges)[0].numpy()
    # rounding adds at most half a level to the amplitude of any band (triangle inequality); the wave's is 79
    assert np.abs(np.sqrt(found) - np.sqrt(expected)).max() < 0.5
    assert math.sqrt(found.sum()) == pytest.approx(math.sqrt(power * (1 - kept**2)), abs=0.5)


def test_gratings_finer_than_the_block_are_lost_and_coarser_ones_kept():
    """Blocks of 8: at 1/8 cycle a pixel and its multiples nothing is left; at 1/32, D² = 0.81 of the power is."""
    patterns = PatternsMini()
    lost = ["sine-grating/32x0", "sine-grating/64x0", "sine-grating/96x0", "sine-grating/0x32", "sine-grating/0x64"]
    for name in [*lost, "sine-grating/8x0"]:
        reference = patterns[patterns.ids.index(name)].image[None]
        frequency = patterns.target(patterns.ids.index(name))["frequency"]
        edges = (frequency - 1 / 512, frequency + 1 / 512)
        share = (band_errors(block_means(reference, 8), reference, edges) / band_energies(reference, edges)).item()
        expected = 1.0 if name in lost else (1 - dirichlet(1 / 32, 8) ** 2) ** 2
        assert share == pytest.approx(expected, abs=2e-3)


def test_the_metric_is_the_top_bands_in_decibels(photo):
    prediction, reference = as_batch(jpeg(photo, 30)), as_batch(photo)
    bands = band_errors(prediction, reference)[0]
    top = sum(value for value, edge in zip(bands.tolist(), OCTAVES, strict=False) if edge >= 0.25)
    found = HighFrequencyError()(prediction, reference).item()
    assert found == pytest.approx(10 * math.log10(top / 255**2), abs=1e-10)


def test_closed_forms():
    middle = torch.full((1, 3, 16, 16), 128, dtype=torch.uint8)
    board = (torch.arange(16)[:, None] + torch.arange(16)) % 2
    one_level = middle + (2 * board - 1).to(torch.int8)  # ±1 at frequency √½
    assert HighFrequencyError()(one_level.to(torch.uint8), middle).item() == pytest.approx(-20 * math.log10(255))
    white, black = torch.full_like(middle, 255), torch.zeros_like(middle)
    assert band_errors(white, black)[0].tolist() == [255.0**2, *[0.0] * (len(OCTAVES) - 2)]


def test_frequencies_on_an_edge_belong_to_the_band_above():
    quarter = as_batch(gray(sine_grating(64, 0)))
    assert HIGH == 0.25
    assert band_errors(quarter, torch.full_like(quarter, 128), (HIGH, HIGHEST)).item() == pytest.approx(POWER)
    assert band_errors(quarter, torch.full_like(quarter, 128), (0.0, HIGH)).item() == 0.0


def test_channels_are_averaged():
    coloured = as_batch(red_green(sine_grating(80, 0)))
    red, green, blue = (coloured[:, channel].double().var(correction=0) for channel in range(3))
    expected = (red + green + blue).item() / 3
    assert (green / red).sqrt().item() == pytest.approx(299 / 587, rel=5e-3) and blue == 0
    found = band_errors(coloured, torch.full_like(coloured, 128), (HIGH, HIGHEST)).item()
    assert found == pytest.approx(expected, abs=ROUNDING)


@pytest.mark.parametrize("size", [(200, 256), (37, 41), (2, 2)])
def test_equal_images_have_no_error_at_all(photo, size):
    batch = as_batch(photo[: size[0], : size[1]])
    assert HighFrequencyError()(batch, batch).tolist() == [-math.inf]
    assert band_errors(batch, batch).eq(0.0).all()


@pytest.mark.parametrize("size", [(200, 256), (151, 97), (64, 33)])
def test_the_rounding_of_the_transform_is_no_detail(size):
    """A shift of the mean level is all at frequency zero, exactly."""
    reference = torch.full((1, 3, *size), 70, dtype=torch.uint8)
    assert HighFrequencyError()(reference + 100, reference).tolist() == [-math.inf]


def test_a_single_pixel_has_no_frequency():
    pixel = torch.zeros(2, 3, 1, 1, dtype=torch.uint8)
    assert HighFrequencyError()(pixel, pixel).isnan().all()


def test_rows_do_not_depend_on_the_batch(photo):
    metric = HighFrequencyError()
    batch = torch.cat([as_batch(jpeg(photo, quality)) for quality in (5, 30, 90)])
    reference = as_batch(photo).expand_as(batch)
    together = metric(batch, reference, [None] * 3)
    alone = torch.cat([metric(batch[i : i + 1], reference[i : i + 1], [None]) for i in range(3)])
    assert together.dtype == torch.float64 and torch.equal(together, alone)
    assert together.tolist() == sorted(together.tolist(), reverse=True)
    assert metric(batch[:0], reference[:0], []).shape == (0,)


def test_wrong_inputs_are_refused():
    good = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    for bad in (good.float(), good[0], good[:, :1], good[..., :7]):
        with pytest.raises(AdapterError, match="high_frequency_error"):
            HighFrequencyError()(bad, good, [None])
    for edges in ((), (0.1,), (0.2, 0.1), (-0.1, 0.2), (0.1, 0.1), (0.0, math.nan)):
        with pytest.raises(UsageError, match="rising"):
            band_errors(good, good, edges)
