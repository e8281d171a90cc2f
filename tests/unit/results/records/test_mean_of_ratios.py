from __future__ import annotations

import math

import numpy as np
import pytest

from vtbench.results.records.ratios import mean_of_ratios, mean_of_ratios_interval, ratio, ratio_interval


@pytest.fixture
def parts() -> list[tuple[np.ndarray, np.ndarray]]:
    """Three buckets over 60 images; the first is rare."""
    generator = np.random.default_rng(3)
    made = []
    for rate, success in ((0.3, 0.2), (2.0, 0.6), (5.0, 0.9)):
        counts = generator.poisson(rate, 60)
        made.append((generator.binomial(counts, success).astype(float), counts.astype(float)))
    return made


def test_every_part_weighs_the_same() -> None:
    found = mean_of_ratios([([1.0, 0.0], [1.0, 0.0]), ([0.0, 10.0], [50.0, 50.0])])
    assert found.value == (1.0 + 0.1) / 2 and found.n == 2


def test_an_empty_part_makes_it_another_quantity() -> None:
    parts = [([1.0, 2.0], [2.0, 2.0]), ([0.0, 0.0], [0.0, 0.0])]
    assert math.isnan(mean_of_ratios(parts).value)
    assert all(math.isnan(end) for end in mean_of_ratios_interval(parts))
    with pytest.raises(ValueError):
        mean_of_ratios([])


def test_one_part_is_a_ratio(parts: list[tuple[np.ndarray, np.ndarray]]) -> None:
    assert mean_of_ratios(parts[1:2]) == ratio(*parts[1])
    assert mean_of_ratios_interval(parts[1:2]) == pytest.approx(ratio_interval(*parts[1]), abs=1e-12)


def test_rows_with_a_nan_take_no_part(parts: list[tuple[np.ndarray, np.ndarray]]) -> None:
    longer = [(np.append(a, math.nan), np.append(b, math.nan)) for a, b in parts]
    assert mean_of_ratios(longer).value == mean_of_ratios(parts).value
    assert mean_of_ratios(longer).details == {"n_not_applicable": 1}
    assert mean_of_ratios_interval(longer) == mean_of_ratios_interval(parts)


def test_the_interval_is_that_of_resampling_images_one_by_one(parts: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Another generator and plain loops: the ends agree within their own sampling error."""
    generator, values = np.random.default_rng(11), []
    for _ in range(4000):
        drawn = generator.integers(60, size=60)
        values.append(np.mean([a[drawn].sum() / b[drawn].sum() for a, b in parts if b[drawn].sum()]))
    low, high = mean_of_ratios_interval(parts)
    assert low < mean_of_ratios(parts).value < high
    assert (low, high) == pytest.approx(tuple(np.percentile(values, [2.5, 97.5])), abs=0.015)
