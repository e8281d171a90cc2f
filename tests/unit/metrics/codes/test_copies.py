"""Codes of samples against those of training images, position by position."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from vtbench.metrics.codes.copies import CodeCopies


def brute(sample: list[int], images: np.ndarray) -> tuple[int, int]:
    """Most equal positions with one image, and the longest run of equal positions with any."""
    equal = [[a == b for a, b in zip(sample, image, strict=True)] for image in images.tolist()]
    runs = [sum(1 for _ in group) for row in equal for same, group in itertools.groupby(row) if same]
    return max(map(sum, equal)), max(runs, default=0)


@pytest.mark.parametrize("parts", [[(0, 300)], [(0, 1), (1, 190), (190, 300)]])
@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.uint64])
def test_agreement_and_runs_are_those_of_every_pair(parts: list[tuple[int, int]], dtype: type) -> None:
    draw = np.random.default_rng(0)
    samples, images = draw.integers(0, 3, (140, 24)).astype(dtype), draw.integers(0, 3, (300, 24)).astype(dtype)
    found = CodeCopies(samples)
    for start, stop in parts:
        found.look_at(images[start:stop])
    assert [(int(e), int(r)) for e, r in zip(found.equal, found.longest, strict=True)] == [
        brute(sample, images) for sample in samples.tolist()
    ]
    assert all((samples[i] == images[j]).sum() == found.equal[i] for i, j in enumerate(found.nearest))
    assert found.seen == 300 and found.tokens == 24


def test_a_copy_has_nine_in_ten_positions_of_one_image_and_no_shift_is_one() -> None:
    images = np.random.default_rng(1).integers(0, 4096, (2000, 20)).astype(np.uint16)
    samples = images[[5, 1999, 7, 9]].copy()
    samples[1, :2] += 1  # 18 of 20
    samples[2, [0, 5, 19]] += 1  # 17 of 20
    samples[3] = np.roll(samples[3], 1)
    found = CodeCopies(samples)
    found.look_at(images)
    assert found.copied().tolist() == [True, True, False, False]
    assert found.nearest[:3].tolist() == [5, 1999, 7]
    assert found.longest[:3].tolist() == [20, 18, 13] and found.longest[3] < 5


def test_nothing_to_compare_with_is_no_copy() -> None:
    found = CodeCopies(np.zeros((3, 4), dtype=np.uint16))
    assert not found.copied().any() and found.longest.tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="5 tokens an image, 4 a sample"):
        found.look_at(np.zeros((1, 5), dtype=np.uint16))
