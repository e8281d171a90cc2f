"""Groups that leave together: equal, the same everywhere, and blind to the order of samples."""

from __future__ import annotations

import numpy as np
import pytest

from vtbench.metrics.sets.jackknife import jackknife_groups, jackknife_interval


@pytest.mark.parametrize("groups", [1, 4, 7, 10])
@pytest.mark.parametrize("n", [0, 1, 7, 20, 100, 103, 384, 1999, 2000])
def test_groups_are_equal_or_one_apart(n: int, groups: int) -> None:
    sizes = np.bincount(jackknife_groups(n, groups), minlength=groups)
    assert sizes.sum() == n and sizes.max() - sizes.min() <= 1


def test_groups_are_those_of_the_formula() -> None:
    assert jackknife_groups(12, 3).tolist() == [0, 1, 2, 0, 1, 2, 2, 0, 1, 1, 2, 0]


@pytest.mark.parametrize("n", [200, 384, 2000, 10_000, 50_000])
@pytest.mark.parametrize("classes", [2, 3, 5, 7, 9, 10, 11, 20, 50, 100, 101])
def test_groups_have_as_many_of_each_class(n: int, classes: int) -> None:
    """One of each, over and over; and one class after the other. Closer than a draw would come, as a rule."""
    for label in (np.arange(n) % classes, np.arange(n) * classes // n):
        counts = np.zeros((10, classes))
        np.add.at(counts, (jackknife_groups(n, 10), label), 1)
        assert np.abs(counts - counts.mean()).max() <= 2 * np.sqrt(n / 10 / classes) + 1


def test_the_interval_is_that_of_a_mean() -> None:
    values = np.random.default_rng(0).normal(5.0, 1.0, 200)
    member = jackknife_groups(200, 10)
    low, high = jackknife_interval(values.mean(), [values[member != group].mean() for group in range(10)])
    means = [values[member == group].mean() for group in range(10)]
    assert (high - low) / 2 == pytest.approx(2.262157 * np.std(means, ddof=1) / np.sqrt(10), rel=1e-6)
