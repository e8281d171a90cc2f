"""Fréchet distance: closed forms, torch-fidelity, both forms of the factor, order and block independence."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric

from vtbench.core.contracts import Estimate
from vtbench.core.errors import UsageError, VtbenchError
from vtbench.metrics.feature_matrix import ArrayFeatures
from vtbench.metrics.sets.frechet import FrechetDistance, Gaussian, Moments


def correlated(seed: int, n: int, width: int, scale: float = 1.0, shift: float = 0.0) -> np.ndarray:
    """Non-negative, correlated and unevenly scaled, as pooled activations are."""
    generator = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).standard_normal((width, width)) / math.sqrt(width)
    spread = np.exp(np.random.default_rng(98).standard_normal(width))
    mixed = scale * generator.standard_normal((n, width)) @ mixing + shift
    return (np.maximum(mixed, -0.5) * spread).astype(np.float32)


def fd(x: np.ndarray, y: np.ndarray, **options: float) -> Estimate:
    return FrechetDistance(**options)(ArrayFeatures(x), ArrayFeatures(y))["fd"]


def torch_fidelity_fid(x: np.ndarray, y: np.ndarray) -> float:
    statistics = [fid_features_to_statistics(torch.from_numpy(features.astype(np.float64))) for features in (x, y)]
    return float(fid_statistics_to_metric(*statistics, verbose=False)[KEY_METRIC_FID])


def with_exact_moments(generator: np.random.Generator, mean: np.ndarray, covariance: np.ndarray, n: int) -> np.ndarray:
    """A sample whose own mean and covariance (divisor n - 1) are the given ones."""
    raw = generator.standard_normal((n, len(mean)))
    raw -= raw.mean(axis=0)
    whitened = np.linalg.solve(np.linalg.cholesky(np.cov(raw, rowvar=False)), raw.T).T
    return whitened @ np.linalg.cholesky(covariance).T + mean


def test_commuting_gaussians_have_the_textbook_distance() -> None:
    generator = np.random.default_rng(0)
    basis = np.linalg.qr(generator.standard_normal((6, 6)))[0]
    a, b = generator.uniform(0.5, 4.0, 6), generator.uniform(0.5, 4.0, 6)
    shift = generator.standard_normal(6)
    x = with_exact_moments(generator, np.zeros(6), basis * a @ basis.T, 500)
    y = with_exact_moments(generator, shift, basis * b @ basis.T, 700)
    expected = shift @ shift + np.square(np.sqrt(a) - np.sqrt(b)).sum()
    assert fd(x, y).value == pytest.approx(expected, rel=1e-10)


def test_two_dimensional_gaussians_match_the_determinant_formula() -> None:
    generator = np.random.default_rng(1)
    s, t = np.array([[2.0, 0.6], [0.6, 1.0]]), np.array([[1.0, -0.4], [-0.4, 3.0]])
    x, y = (with_exact_moments(generator, np.zeros(2), covariance, 300) for covariance in (s, t))
    root_trace = math.sqrt(np.trace(s @ t) + 2 * math.sqrt(np.linalg.det(s) * np.linalg.det(t)))
    assert fd(x, y).value == pytest.approx(np.trace(s) + np.trace(t) - 2 * root_trace, rel=1e-10)


@pytest.mark.parametrize(("n", "m", "width"), [(400, 300, 64), (70, 70, 96), (70, 400, 96), (400, 97, 96)])
def test_it_agrees_with_torch_fidelity(n: int, m: int, width: int) -> None:
    x, y = correlated(2, n, width), correlated(3, m, width, scale=1.3, shift=0.2)
    # torch-fidelity takes roots of eigenvalues that are zero up to rounding; that costs it digits below full rank.
    tolerance = 1e-8 if min(n, m) > width else 1e-5
    assert fd(x, y).value == pytest.approx(torch_fidelity_fid(x, y), rel=tolerance)


@pytest.mark.parametrize("n", [65, 96, 97, 400])
def test_samples_and_moments_give_the_same_distance(n: int) -> None:
    x, y = (correlated(seed, n, 96, scale).astype(np.float64) for seed, scale in ((4, 1.0), (5, 1.4)))
    by_rows = Gaussian.of_rows(x).distance(Gaussian.of_rows(y))
    by_moments = Gaussian.of_moments(Moments.of(x)).distance(Gaussian.of_moments(Moments.of(y)))
    scale = Gaussian.of_rows(x).trace
    assert by_moments == pytest.approx(by_rows, abs=1e-10 * scale if n > 96 else 1e-6 * scale)


def test_the_quick_distance_of_wide_features_is_close_to_the_exact_one() -> None:
    x, y = (correlated(seed, 1700, 1600, scale).astype(np.float64) for seed, scale in ((8, 1.0), (9, 1.2)))
    first, second = (Gaussian.of_moments(Moments.of(rows)) for rows in (x, y))
    exact, quick = first.distance(second), first.distance(second, quick=True)
    assert quick != exact
    assert quick == pytest.approx(exact, abs=1e-6 * first.trace)


@pytest.mark.parametrize(("n", "width"), [(60, 200), (500, 80)])
def test_equal_sets_are_at_distance_zero(n: int, width: int) -> None:
    x = correlated(10, n, width)
    scale = float(x.var(axis=0).sum())
    estimate = fd(x, x[::-1].copy())
    assert estimate.value < 1e-9 * scale
    assert estimate.ci_low is not None and estimate.ci_low >= 0.0
    dead = x.copy()
    dead[:, : width // 2] = 3.0
    assert fd(dead, dead).value < 1e-6 * scale


def test_blocks_do_not_matter_and_order_hardly_does() -> None:
    x, y = correlated(11, 500, 40), correlated(12, 450, 40, scale=1.2)
    metric = FrechetDistance(jackknife=0)
    expected = metric(ArrayFeatures(x), ArrayFeatures(y))["fd"].value
    for rows in (1, 7, 512):
        assert metric(ArrayFeatures(x, rows), ArrayFeatures(y, rows))["fd"].value == expected
    shuffled = x[np.random.default_rng(0).permutation(len(x))]
    assert metric(ArrayFeatures(shuffled), ArrayFeatures(y))["fd"].value == pytest.approx(expected, rel=1e-10)


def test_merged_moments_survive_a_mean_far_from_zero() -> None:
    rows = np.random.default_rng(13).standard_normal((300, 4)) + 1e6
    merged = Moments.of(rows[:7]).merged(Moments.of(rows[7:200])).merged(Moments.of(rows[200:]))
    np.testing.assert_allclose(merged.mean, rows.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(merged.scatter / 299, np.cov(rows, rowvar=False), rtol=1e-8, atol=1e-9)


def test_interval_has_the_spread_of_fresh_samples() -> None:
    """The mean jackknife half-width against the true spread of the distance over independent draws."""
    estimates = [fd(correlated(100 + 2 * i, 300, 8), correlated(101 + 2 * i, 300, 8, 1.5)) for i in range(80)]
    spread = np.std([estimate.value for estimate in estimates])
    widths = [(e.ci_high - e.value) / 2.262 for e in estimates if e.ci_high is not None]
    assert len(widths) == 80
    assert np.sqrt(np.mean(np.square(widths))) == pytest.approx(spread, rel=0.25)


@pytest.mark.parametrize("order", ["class after class", "class by class"])
def test_interval_does_not_tell_how_unlike_the_classes_are(order: str) -> None:
    """Ten classes far apart, as many samples of each, in the two orders that samplers have."""
    label = np.arange(400) % 10 if order == "class after class" else np.arange(400) // 40
    centres = 3.0 * np.random.default_rng(20).standard_normal((10, 6))

    def drawn(seed: int) -> np.ndarray:
        return (centres[label] + np.random.default_rng(seed).standard_normal((400, 6))).astype(np.float32)

    reference = Moments.of(drawn(0).astype(np.float64))
    estimates = [FrechetDistance()(ArrayFeatures(drawn(seed)), reference)["fd"] for seed in range(1, 41)]
    spread = np.std([estimate.value for estimate in estimates])
    width = np.sqrt(np.mean([np.square((e.ci_high or 0) - e.value) for e in estimates])) / 2.262
    assert width == pytest.approx(spread, rel=0.3)


def test_pairs_that_share_their_content_get_a_narrower_interval() -> None:
    x = correlated(14, 300, 8)
    y = (1.4 * x + 0.1 * np.random.default_rng(15).standard_normal(x.shape)).astype(np.float32)
    paired, broken = fd(x, y), fd(x, np.random.default_rng(16).permutation(y))
    assert paired.value == pytest.approx(broken.value, rel=1e-9)
    assert paired.ci_high is not None and broken.ci_high is not None
    assert paired.ci_high < broken.ci_high


def test_interval_is_left_out_where_it_cannot_be_had() -> None:
    few = fd(correlated(17, 19, 8), correlated(18, 25, 8))
    assert few.ci_low is None and few.ci_method == "none: fewer than 20 images" and few.details["jackknife_groups"] == 0
    off = fd(correlated(17, 30, 8), correlated(18, 30, 8), jackknife=0)
    assert off.ci_low is None and off.ci_method == ""
    groups = FrechetDistance()._groups
    assert (
        groups(2048, 2048, 2048)[0] == 1 and groups(5000, 5000, 2048)[0] == 4 and groups(50_000, 50_000, 2048)[0] == 10
    )
    assert FrechetDistance(max_cost=50)._groups(2048, 2048, 2048)[0] == 10


def test_details_say_how_it_was_computed() -> None:
    estimate = fd(correlated(19, 50, 8), correlated(20, 40, 8))
    assert estimate.n == 50
    assert estimate.details == {
        "n_predictions": 50,
        "n_references": 40,
        "width": 8,
        "jackknife_groups": 10,
        "min_samples": 0,
    }


def test_refusals_say_what_to_do() -> None:
    x = correlated(21, 30, 8)
    with pytest.raises(UsageError, match=r"at least 2048 images, the predictions are 30[\s\S]*kid"):
        fd(x, x, min_samples=2048)
    with pytest.raises(UsageError, match="the references are 1"):
        fd(x, x[:1])
    with pytest.raises(UsageError, match="8 features an image, references 7"):
        fd(x, x[:, :7])
    with pytest.raises(UsageError, match="jackknife=1"):
        FrechetDistance(jackknife=1)
    broken = x.copy()
    broken[17, 3] = np.nan
    with pytest.raises(VtbenchError, match="row 17 of the features"):
        fd(x, broken)
