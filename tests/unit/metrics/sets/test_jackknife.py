"""Groups that leave together: equal, the same everywhere, and blind to the order of samples."""

from __future__ import annotations

import numpy as np
import pytest

from vtbench.metrics.sets.jackknife import jackknife_groups, jackknife_interval


@pytest.mark.parametrize(("n", "groups"), [(7, 10), (100, 10), (103, 10), (2000, 4), (5, 1)])
def test_groups_are_equal_or_one_apart(n: int, groups: int) -> None:
    sizes = np.bincount(jackknife_groups(n, groups), minlength=groups)
    assert sizes.sum() == n and sizes.max() - sizes.min() <= 1


def test_groups_are_the_same_on_every_machine() -> None:
    assert jackknife_groups(12, 4).tolist() == [2, 1, 0, 3, 0, 3, 2, 1, 3, 2, 1, 0]


@pytest.mark.parametrize(
    ("classes", "most"), [(2, 0), (5, 0), (10, 0), (100, 0), (1000, 0), (50, 0), (3, 30), (7, 30), (9, 30), (101, 16)]
)
def test_groups_have_as_many_of_each_class(classes: int, most: int) -> None:
    """Of 10,000, class after class; and class by class, where each run of samples is dealt out."""
    member = jackknife_groups(10_000, 10)
    expected = 1000 / classes
    for label, apart in ((np.arange(10_000) % classes, most), (np.arange(10_000) * classes // 10_000, 2)):
        counts = np.zeros((10, classes))
        np.add.at(counts, (member, label), 1)
        assert np.abs(counts - expected).max() <= apart + (expected % 1 > 0)


def test_the_interval_is_that_of_a_mean() -> None:
    values = np.random.default_rng(0).normal(5.0, 1.0, 200)
    member = jackknife_groups(200, 10)
    low, high = jackknife_interval(values.mean(), [values[member != group].mean() for group in range(10)])
    means = [values[member == group].mean() for group in range(10)]
    assert (high - low) / 2 == pytest.approx(2.262157 * np.std(means, ddof=1) / np.sqrt(10), rel=1e-6)
