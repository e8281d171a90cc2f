"""Seams of tiles: cases whose value is known in closed form, and a plain loop."""

from __future__ import annotations

import math

import pytest
import torch

from vtbench.core.errors import UsageError
from vtbench.metrics.images.seams import SeamExcess, SeamStep

GREY = torch.full((1, 3, 64, 96), 100, dtype=torch.uint8)


def moved(change):
    """Grey, and grey with whole numbers added to it."""
    return (GREY.int() + change).to(torch.uint8), GREY


def test_three_times_the_error_in_a_band_is_9_54_db():
    error = torch.full((64, 96), 2)
    error[28:36] = 6  # four rows on either side of the seam at 32
    error[:, 28:36] = 6
    error[:, 60:68] = 6
    value = SeamExcess(pitch=32, band=4)(*moved(error))
    assert value.item() == pytest.approx(10 * math.log10(9), abs=1e-12)
    assert value.dtype == torch.float64


def test_error_away_from_seams_is_negative_and_even_error_is_zero():
    even = SeamExcess(pitch=32)(*moved(torch.full((64, 96), 3)))
    assert even.item() == 0.0
    error = torch.full((64, 96), 1)
    error[:8, :8] = 20
    assert SeamExcess(pitch=32)(*moved(error)).item() < -3


def test_tiles_of_different_brightness_jump_at_seams_alone():
    """Jumps of 8 across one of two seams of columns, noise of 1 between all other rows."""
    error = torch.zeros(64, 96, dtype=torch.int32)
    error[1::2] = 1
    error[:, 32:] += 8
    pairs_at_seams = 2 * 64 * 8**2 / 2 + 1 * 96 * 1  # columns 32 (jumps) and 64 (none), row 32 (noise)
    at_seams = pairs_at_seams / (2 * 64 + 96)
    elsewhere = 62 * 96 * 1 / (93 * 64 + 62 * 96)
    value = SeamStep(pitch=32)(*moved(error)).item()
    assert value == pytest.approx(10 * math.log10(at_seams / elsewhere), abs=1e-12)
    assert SeamExcess(pitch=32, band=4)(*moved(error)).item() < 1  # the error itself is no larger there


@pytest.mark.parametrize("metric", [SeamExcess(pitch=20, band=3), SeamStep(pitch=20)])
def test_equals_a_plain_loop(metric):
    generator = torch.Generator().manual_seed(0)
    prediction, reference = (
        torch.randint(0, 256, (2, 3, 33, 47), generator=generator, dtype=torch.uint8) for _ in range(2)
    )
    values = metric(prediction, reference)
    for value, x, y in zip(values, prediction, reference, strict=True):
        error = (x.double() - y.double()).numpy()
        near, far = [], []
        for row in range(33):
            for column in range(47):
                if isinstance(metric, SeamExcess):
                    inside = any(s - 3 <= row < s + 3 for s in (20,)) or any(s - 3 <= column < s + 3 for s in (20, 40))
                    (near if inside else far).extend(error[:, row, column] ** 2)
                    continue
                if column:
                    jump = (error[:, row, column] - error[:, row, column - 1]) ** 2
                    (far if column % 20 else near).extend(jump)
                if row:
                    jump = (error[:, row, column] - error[:, row - 1, column]) ** 2
                    (far if row % 20 else near).extend(jump)
        expected = 10 * math.log10((sum(near) / len(near)) / (sum(far) / len(far)))
        assert value.item() == pytest.approx(expected, abs=1e-9)
    alone = torch.cat([metric(prediction[i : i + 1], reference[i : i + 1]) for i in range(2)])
    assert torch.equal(alone, values)


@pytest.mark.parametrize("metric", [SeamExcess(pitch=32), SeamStep(pitch=32)])
def test_edges_of_the_definition(metric):
    assert metric(GREY, GREY).item() == 0.0
    error = torch.zeros(64, 96, dtype=torch.int32)
    error[:, 31] = 5
    assert metric(*moved(error)).item() == math.inf or isinstance(metric, SeamStep)
    small = GREY[..., :32, :32]
    assert math.isnan(metric(small + 1, small).item())


def test_what_makes_no_sense_is_refused():
    for pitch, band in ((16, 8), (16, 0), (0, 1)):
        with pytest.raises(UsageError, match="0 < 2 band < pitch"):
            SeamExcess(pitch=pitch, band=band)
    with pytest.raises(UsageError, match="2 or more"):
        SeamStep(pitch=1)


def test_a_rolled_tiling_is_seen_only_by_its_own_pitch():
    """Hard tiles of 32, each with an offset of its own: the pitch of 32 sees them, 20 does not."""
    generator = torch.Generator().manual_seed(1)
    offsets = torch.randint(-9, 10, (2, 3), generator=generator)
    error = offsets.repeat_interleave(32, 0).repeat_interleave(32, 1)
    error = error + torch.randint(-1, 2, (64, 96), generator=generator)
    assert SeamStep(pitch=32)(*moved(error)).item() > 10
    assert SeamStep(pitch=20)(*moved(error)).item() < 0
