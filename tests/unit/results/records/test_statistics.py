import math
import random
import tracemalloc

import numpy as np
import pytest
from scipy import stats

from vtbench.results.records.statistics import aggregate, bootstrap_interval, interval_method, paired_bootstrap

INF, NAN = math.inf, math.nan


def test_a_mean_leaves_out_nan_and_counts_it():
    assert aggregate([1.0, NAN, 2.0], "mean") == (1.5, 2, {"n_not_applicable": 1})


def test_a_finite_mean_leaves_out_infinities_and_counts_them():
    result = aggregate([30.0, INF, 20.0, NAN], "mean_finite")
    assert result == (25.0, 2, {"n_not_applicable": 1, "n_infinite": 1})
    assert aggregate([INF, INF], "mean_finite") == (INF, 2, {"n_not_applicable": 0, "n_infinite": 2})
    assert aggregate([1.0, INF], "mean").value == INF
    assert math.isnan(aggregate([-INF, INF], "mean").value)


def test_pooled_psnr_is_that_of_the_mean_squared_error():
    assert aggregate([255.0**2, 255.0**2], "pooled_psnr").value == 0.0
    assert aggregate([10.0, 30.0], "pooled_psnr").value == pytest.approx(10 * math.log10(255**2 / 20), rel=1e-14)
    assert aggregate([0.0, 0.0], "pooled_psnr").value == INF


@pytest.mark.parametrize("how", ["mean", "mean_finite", "pooled_psnr"])
def test_without_rows_there_is_no_value(how):
    for rows in ([], [NAN]):
        value, n, details = aggregate(rows, how)
        assert math.isnan(value) and n == 0 and details["n_not_applicable"] == len(rows)
        assert all(math.isnan(end) for end in bootstrap_interval(rows, how))


def test_the_sum_does_not_depend_on_order_or_cancel():
    rows = [1e16, 1.0, -1e16, 0.1] * 100
    expected = aggregate(rows, "mean").value
    assert expected == pytest.approx(1.1 / 4, rel=1e-15)
    for seed in range(5):
        random.Random(seed).shuffle(rows)
        assert aggregate(rows, "mean").value == expected


def test_bad_rows_are_refused():
    with pytest.raises(ValueError, match="negative"):
        aggregate([-1.0], "pooled_psnr")
    with pytest.raises(ValueError, match="vector"):
        aggregate([[1.0]], "mean")
    with pytest.raises(ValueError, match="median"):
        aggregate([1.0], "median")
    for wrong in ({"level": 1.0}, {"level": 0.0}, {"resamples": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            bootstrap_interval([1.0, 2.0], "mean", **wrong)


def test_the_interval_agrees_with_scipy():
    rows = np.random.default_rng(1).gamma(2.0, 3.0, 300)
    ours = bootstrap_interval(rows, "mean", resamples=20_000)
    theirs = stats.bootstrap(
        (rows,), np.mean, n_resamples=20_000, method="percentile", random_state=2
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours[0] == pytest.approx(theirs.low, abs=0.03 * width)
    assert ours[1] == pytest.approx(theirs.high, abs=0.03 * width)


@pytest.mark.parametrize("how", ["mean", "pooled_psnr"])
def test_the_interval_covers_the_truth(how):
    generator, repeats = np.random.default_rng(5), 300
    mean = 20.0
    truth = mean if how == "mean" else 10 * math.log10(255**2 / mean)
    covered = 0
    for _ in range(repeats):
        low, high = bootstrap_interval(generator.gamma(4.0, mean / 4.0, 100), how, resamples=400)
        covered += low <= truth <= high
    assert 0.90 <= covered / repeats <= 0.985


def test_the_interval_repeats_and_depends_on_the_seed_alone():
    rows = np.random.default_rng(0).normal(size=500)
    assert bootstrap_interval(rows, "mean", seed=3) == bootstrap_interval(rows.tolist(), "mean", seed=3)
    assert bootstrap_interval(rows, "mean", seed=3) != bootstrap_interval(rows, "mean", seed=4)


def test_the_interval_does_not_depend_on_how_draws_are_chunked(monkeypatch):
    rows = np.random.default_rng(0).normal(size=333)
    whole = bootstrap_interval(rows, "mean", resamples=50)
    monkeypatch.setattr("vtbench.results.records.statistics._DRAWS_AT_ONCE", 1000)
    assert bootstrap_interval(rows, "mean", resamples=50) == whole


def test_left_out_rows_do_not_enter_the_interval():
    rows = np.random.default_rng(0).normal(30, 3, 50)
    mixed = np.insert(rows, [0, 20, 50], [NAN, INF, INF])
    assert bootstrap_interval(mixed, "mean_finite") == bootstrap_interval(rows, "mean_finite")
    assert bootstrap_interval([INF] * 3, "mean_finite") == (INF, INF)


def test_the_interval_of_pooled_psnr_is_the_transformed_interval_of_the_error():
    errors = np.random.default_rng(0).gamma(2.0, 20.0, 80)
    low, high = bootstrap_interval(errors, "mean")
    expected = sorted(10 * math.log10(255**2 / end) for end in (low, high))
    assert bootstrap_interval(errors, "pooled_psnr") == pytest.approx(expected, rel=1e-13)


def test_the_memory_of_a_large_set_is_bounded():
    rows = np.random.default_rng(0).normal(size=50_000)
    tracemalloc.start()
    low, high = bootstrap_interval(rows, "mean")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    all_draws = 1000 * len(rows) * 4
    assert peak < all_draws / 4
    half = 1.96 * rows.std() / math.sqrt(len(rows))
    assert (high - low) / 2 == pytest.approx(half, rel=0.15)


def test_pairing_sees_a_change_that_spread_hides():
    generator = np.random.default_rng(0)
    before = dict(zip(map(str, range(200)), generator.normal(25, 5, 200).tolist(), strict=True))
    after = {key: value + 0.2 + generator.normal(0, 0.3) for key, value in before.items()}
    result = paired_bootstrap(before, after)
    apart = [bootstrap_interval(list(rows.values()), "mean") for rows in (before, after)]
    assert result.ci_low > 0 and result.difference == pytest.approx(0.2, abs=0.1)
    assert apart[0][1] > apart[1][0]
    reverse = paired_bootstrap(after, dict(reversed(before.items())))
    assert reverse.difference == -result.difference
    assert (reverse.ci_low, reverse.ci_high) == (-result.ci_high, -result.ci_low)


def test_only_shared_usable_samples_are_paired():
    before = {"a": 1.0, "b": 2.0, "c": INF, "d": NAN, "only": 100.0}
    after = {"a": 2.0, "b": 3.0, "c": 30.0, "d": 1.0, "other": -100.0}
    result = paired_bootstrap(before, after, "mean_finite")
    assert (result.difference, result.ci_low, result.ci_high, result.n, result.n_dropped) == (1.0, 1.0, 1.0, 2, 2)
    assert paired_bootstrap(before, after).difference == -INF
    alone = paired_bootstrap({"a": 1.0}, {"a": 3.0})
    assert alone.difference == 2.0 and math.isnan(alone.ci_low)
    nothing = paired_bootstrap({"a": 1.0}, {"b": 3.0})
    assert math.isnan(nothing.difference) and nothing.n == 0


def test_paired_pooled_psnr_pools_each_side():
    before, after = {"a": 10.0, "b": 30.0, "c": 20.0}, {"a": 5.0, "b": 15.0, "c": 10.0}
    result = paired_bootstrap(before, after, "pooled_psnr")
    assert result.difference == pytest.approx(10 * math.log10(2), rel=1e-12)
    assert result.ci_low == pytest.approx(result.ci_high, rel=1e-12)
    same = paired_bootstrap({"a": 0.0, "b": 0.0}, {"a": 0.0, "b": 0.0}, "pooled_psnr")
    assert (same.difference, same.ci_low, same.ci_high) == (0.0, 0.0, 0.0)


def test_the_coverage_of_a_paired_interval():
    generator, covered, repeats = np.random.default_rng(9), 0, 200
    for _ in range(repeats):
        base = generator.normal(25, 5, 60)
        pairs = (base, base + generator.normal(0.1, 0.5, 60))
        before, after = ({str(i): float(v) for i, v in enumerate(rows)} for rows in pairs)
        result = paired_bootstrap(before, after, resamples=400)
        covered += result.ci_low <= 0.1 <= result.ci_high
    assert 0.90 <= covered / repeats <= 0.985


def test_the_method_says_what_was_done():
    assert interval_method() == "percentile bootstrap over samples, 1000 resamples, 95%"
