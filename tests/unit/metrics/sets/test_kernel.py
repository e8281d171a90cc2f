"""Kernel distance: torch-fidelity on the same subsets, the definition, unbiasedness, the interval."""

from __future__ import annotations

from itertools import permutations, product
from typing import Any

import numpy as np
import pytest
import torch
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, KEY_METRIC_KID_STD, kid_features_to_metric, mmd2

from vtbench.core.contracts import Estimate
from vtbench.core.errors import UsageError, VtbenchError
from vtbench.metrics.feature_matrix import ArrayFeatures
from vtbench.metrics.sets.kernel import KernelDistance, draw_subsets


def draws(seed: int, n: int, width: int, shift: float = 0.0) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal((n, width)) + shift).astype(np.float32)


def kid(x: np.ndarray, y: np.ndarray, **options: Any) -> Estimate:
    return KernelDistance(**options)(ArrayFeatures(x), ArrayFeatures(y))["kid"]


def torch_fidelity_kid(x: np.ndarray, y: np.ndarray, **options: Any) -> dict[str, float]:
    double = [torch.from_numpy(features.astype(np.float64)) for features in (x, y)]
    return dict(kid_features_to_metric(*double, verbose=False, **options))


# The first pair of sizes makes subsets the cheaper way, the second all pairs at once.
@pytest.mark.parametrize(("n", "m"), [(900, 700), (130, 150)])
@pytest.mark.parametrize("kernel", [{}, {"degree": 2, "gamma": 0.05, "coef0": 0.5}, {"degree": 1}])
def test_it_agrees_with_torch_fidelity_on_the_same_subsets(n: int, m: int, kernel: dict[str, Any]) -> None:
    x, y = draws(0, n, 32), draws(1, m, 32, shift=0.2)
    ours = kid(x, y, subset_size=50, subsets=20, seed=2020, draw="torch-fidelity", **kernel)
    theirs = torch_fidelity_kid(
        x, y, kid_subset_size=50, kid_subsets=20, rng_seed=2020, kid_kernel="poly",
        **{f"kid_kernel_poly_{name}": value for name, value in kernel.items()},
    )  # fmt: skip
    assert ours.value == pytest.approx(theirs[KEY_METRIC_KID_MEAN], rel=1e-9)
    assert ours.details["std"] == pytest.approx(theirs[KEY_METRIC_KID_STD], rel=1e-9)


def test_it_is_the_definition() -> None:
    """Sums over ordered pairs of distinct samples, written out (Bińkowski et al. 2018, eq. 4)."""
    x, y = draws(2, 7, 3).astype(np.float64), draws(3, 7, 3, shift=0.5).astype(np.float64)

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / 3 + 1) ** 3)

    within = sum(kernel(a, b) for a, b in permutations(x, 2)) + sum(kernel(a, b) for a, b in permutations(y, 2))
    across = sum(kernel(a, b) for a, b in product(x, y))
    assert kid(x, y, subset_size=7, subsets=1).value == pytest.approx(within / 42 - 2 * across / 49, rel=1e-12)


def test_tiles_of_all_pairs_give_what_subsets_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vtbench.metrics.feature_matrix.TILE_ROWS", 37)
    x, y = draws(4, 150, 16), draws(5, 120, 16, shift=0.1)
    metric = KernelDistance(subset_size=40, subsets=30)
    tiled = metric._estimates(ArrayFeatures(x), ArrayFeatures(y))
    drawn = draw_subsets(150, 120, 40, 30, 0, "pcg64")
    sums = np.array([metric._subset_sums(x[i].astype(np.float64), y[j].astype(np.float64)) for i, j in drawn])
    direct = (sums[:, 0] + sums[:, 1]) / (40 * 39) - 2 * sums[:, 2] / 40**2
    np.testing.assert_allclose(tiled, direct, rtol=1e-9)


def test_it_is_unbiased_where_the_frechet_distance_is_not() -> None:
    values = np.array([kid(draws(2 * i, 64, 32), draws(2 * i + 1, 64, 32), subset_size=64, subsets=1).value
                       for i in range(200)])  # fmt: skip
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(len(values))
    assert values.min() < 0 < values.max()


def test_interval_has_the_spread_of_fresh_samples() -> None:
    """The plain standard error over subsets would be several times too small here."""
    estimates = [kid(draws(2 * i, 120, 8, 0.5), draws(2 * i + 1, 120, 8), subset_size=60, subsets=50)
                 for i in range(100)]  # fmt: skip
    spread = np.std([estimate.value for estimate in estimates])
    errors = [(e.ci_high - e.value) / 1.96 for e in estimates if e.ci_high is not None]
    assert len(errors) == 100
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(spread, rel=0.25)


def test_no_interval_from_subsets_that_are_the_whole_set() -> None:
    estimate = kid(draws(6, 50, 4), draws(7, 90, 4), subset_size=50)
    assert estimate.ci_low is None and estimate.ci_method.startswith("none")


def test_seed_decides_and_blocks_and_runs_do_not() -> None:
    x, y = draws(8, 200, 16), draws(9, 200, 16, 0.1)
    metric = KernelDistance(subset_size=50, subsets=10, seed=3)
    first = metric(ArrayFeatures(x), ArrayFeatures(y))
    assert metric(ArrayFeatures(x, 7), ArrayFeatures(y, 1)) == first
    assert kid(x, y, subset_size=50, subsets=10, seed=4).value != first["kid"].value


@pytest.mark.parametrize("n", [60, 500])
def test_paired_is_the_u_statistic_of_torch_fidelity(n: int) -> None:
    x, y = draws(20, n, 16), draws(21, n, 16, shift=0.2)
    ours = kid(x, y, subset_size=30, subsets=8, paired=True)
    expected = []
    for rows, _ in draw_subsets(n, n, 30, 8, 0, "pcg64", paired=True):
        a, b = x[rows].astype(np.float64), y[rows].astype(np.float64)
        kernels = [(left @ right.T / 16 + 1) ** 3 for left, right in ((a, a), (a, b), (b, b))]
        expected.append(mmd2(*kernels, mmd_est="u-statistic"))
    assert ours.value == pytest.approx(np.mean(expected), rel=1e-9)
    assert ours.details["paired"] is True


def test_pairs_that_share_content_bias_the_plain_value_and_not_the_paired_one() -> None:
    """Both sets have one distribution, but row i of the second resembles row i of the first."""
    plain, paired = [], []
    for i in range(200):
        x = draws(300 + i, 64, 32)
        y = (0.9 * x + np.sqrt(1 - 0.81) * draws(900 + i, 64, 32)).astype(np.float32)
        plain.append(kid(x, y, subset_size=32, subsets=4).value)
        paired.append(kid(x, y, subset_size=32, subsets=4, paired=True).value)
    errors = [np.std(values) / np.sqrt(len(values)) for values in (plain, paired)]
    assert np.mean(plain) < -10 * errors[0]
    assert abs(np.mean(paired)) < 3 * errors[1]
    assert kid(x, x, subset_size=32, subsets=4).value < 0
    assert kid(x, x, subset_size=32, subsets=4, paired=True).value == pytest.approx(0.0, abs=1e-12)


def test_subsets_hold_no_image_twice() -> None:
    for first, second in draw_subsets(30, 40, 30, 5, 0, "pcg64"):
        assert sorted(first) == list(range(30))
        assert len(set(second)) == 30 and max(second) < 40


def test_details_say_how_it_was_computed() -> None:
    details = dict(kid(draws(10, 60, 4), draws(11, 50, 4), subset_size=20, subsets=7, seed=5).details)
    assert details.pop("std") > 0
    assert details == {
        "n_predictions": 60, "n_references": 50, "subset_size": 20, "subsets": 7, "seed": 5,
        "degree": 3, "gamma": "1/D", "coef0": 1.0, "draw": "pcg64", "paired": False,
    }  # fmt: skip


def test_refusals_say_what_to_do() -> None:
    x = draws(12, 30, 4)
    with pytest.raises(UsageError, match=r"subset_size=1000 is more than the 30 predictions[\s\S]*at most 20"):
        kid(x, x[:20])
    with pytest.raises(UsageError, match="draw='random'"):
        KernelDistance(draw="random")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="at least 2 images"):
        KernelDistance(subset_size=1)
    with pytest.raises(UsageError, match="as many predictions as references, there are 30 and 20"):
        kid(x, x[:20], subset_size=10, paired=True)
    broken = x.copy()
    broken[17, 3] = np.inf
    with pytest.raises(VtbenchError, match="row 17 of the features"):
        kid(x, broken, subset_size=30)
