"""Rates that are sums over sums."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vtbench.results.records.ratios import ratio, ratio_difference, ratio_interval


def test_the_value_is_sum_over_sum_and_nan_rows_are_left_out() -> None:
    found = ratio([1.0, 2.0, math.nan, 3.0], [10.0, 10.0, 10.0, math.nan])
    assert found == (3.0 / 20.0, 2, {"n_not_applicable": 2})
    assert math.isnan(ratio([1.0], [0.0]).value)
    assert math.isnan(ratio([], []).value)
    with pytest.raises(ValueError, match="unequal"):
        ratio([1.0], [1.0, 2.0])


def test_ones_below_make_it_a_mean_with_the_bootstrap_of_a_mean() -> None:
    from vtbench.results.records.statistics import bootstrap_interval

    values = np.random.default_rng(0).normal(size=200)
    assert ratio(values, np.ones(200)).value == pytest.approx(values.mean(), abs=1e-12)
    assert ratio_interval(values, np.ones(200)) == pytest.approx(bootstrap_interval(values, "mean"), abs=1e-12)


def test_the_interval_covers_the_truth() -> None:
    hits, trials, rate = 0, 200, 0.2
    for seed in range(trials):
        source = np.random.default_rng(seed)
        lengths = source.integers(5, 60, 120).astype(float)
        edits = source.binomial(lengths.astype(int), rate).astype(float)
        low, high = ratio_interval(edits, lengths, resamples=300, seed=seed)
        hits += low <= rate <= high
    assert 0.9 <= hits / trials <= 0.99


def test_a_difference_is_paired() -> None:
    source = np.random.default_rng(1)
    lengths = source.integers(5, 60, 80).astype(float)
    edits = source.binomial(lengths.astype(int), 0.5).astype(float)
    found, (low, high) = ratio_difference((edits + lengths * 0.1, lengths), (edits, lengths))
    assert found.value == pytest.approx(0.1, abs=1e-12)
    assert low == pytest.approx(0.1, abs=1e-12) and high == pytest.approx(0.1, abs=1e-12)
    same, ends = ratio_difference((edits, lengths), (edits, lengths))
    assert same.value == 0.0 and ends == (0.0, 0.0)
    none, nothing = ratio_difference((np.array([]), np.array([])), (np.array([]), np.array([])))
    assert math.isnan(none.value) and math.isnan(nothing[0])
