"""Set metrics of generation: closed forms, coverage of intervals, and independent implementations."""

import math

import numpy as np
import pytest
import torch
from scipy import linalg

from vtbench.core.errors import UsageError
from vtbench.metrics.catalog.lookup import metric_info, set_metric
from vtbench.metrics.feature_matrix import ArrayFeatures
from vtbench.metrics.sets.cmmd import Cmmd
from vtbench.metrics.sets.frechet import FrechetDistance, Moments, moments_of_rows
from vtbench.metrics.sets.frechet_infinity import FrechetInfinity
from vtbench.metrics.sets.inception_score import InceptionScore
from vtbench.metrics.sets.kernel import KernelDistance
from vtbench.metrics.sets.manifold import Manifold
from vtbench.run.measuring.evaluators import set_jobs
from vtbench.tasks import MetricRequest

WIDTH = 16


def gaussian(count: int, shift: float, scale: float, seed: int) -> ArrayFeatures:
    rows = np.random.default_rng(seed).normal(shift, scale, (count, WIDTH))
    return ArrayFeatures(rows)


def closed_form(shift: float, first: float, second: float) -> float:
    """Two isotropic Gaussians: |m1 - m2|² + D (s1 - s2)² (Dowson and Landau 1982)."""
    return WIDTH * shift**2 + WIDTH * (first - second) ** 2


def moments(features: ArrayFeatures) -> Moments:
    return Moments.of(np.concatenate(list(features.blocks())).astype(np.float64))


def exact_reference(shift: float, scale: float) -> Moments:
    """A reference without noise: the Gaussian itself."""
    return Moments(10**9, np.full(WIDTH, shift), np.eye(WIDTH) * scale**2 * (10**9 - 1))


def test_moments_stand_in_for_the_references_of_a_frechet_distance():
    first, second = gaussian(300, 0.0, 1.0, 1), gaussian(400, 0.3, 1.5, 2)
    whole = FrechetDistance()(first, second)["fd"]
    from_moments = FrechetDistance()(first, moments(second))["fd"]
    assert from_moments.value == pytest.approx(whole.value, rel=1e-9)
    assert "references held fixed" in from_moments.ci_method


@pytest.mark.parametrize("estimator", [KernelDistance(subset_size=10, subsets=2), Manifold(), Cmmd()])
def test_metrics_that_need_features_refuse_moments(estimator):
    with pytest.raises(UsageError, match="moments only"):
        estimator(gaussian(50, 0, 1, 0), exact_reference(0, 1))


def test_an_inception_score_needs_no_reference():
    assert InceptionScore.uses_references is False


def test_fid_infinity_recovers_the_closed_form_where_the_plain_distance_is_biased():
    truth = closed_form(0.2, 1.0, 1.2)
    found = [FrechetInfinity()(gaussian(600, 0.2, 1.2, seed), exact_reference(0.0, 1.0)) for seed in range(12)]
    plain = np.mean([entry["fd_infinity"].details["plain_distance"] for entry in found])
    extrapolated = np.mean([entry["fd_infinity"].value for entry in found])
    assert plain - truth > 0.1
    assert abs(extrapolated - truth) < (plain - truth) / 5


def test_the_interval_of_fid_infinity_covers_the_truth_in_nine_of_ten_repeats():
    truth = closed_form(0.2, 1.0, 1.2)
    found = [FrechetInfinity()(gaussian(600, 0.2, 1.2, seed), exact_reference(0.0, 1.0)) for seed in range(60)]
    hits = sum(entry["fd_infinity"].ci_low <= truth <= entry["fd_infinity"].ci_high for entry in found)
    assert hits >= 54


def test_fid_infinity_of_equal_distributions_is_near_zero_and_says_how_it_was_fitted():
    found = FrechetInfinity()(gaussian(500, 0, 1, 1), gaussian(5000, 0, 1, 2))["fd_infinity"]
    assert abs(found.value) < 0.1 < found.details["plain_distance"] + 0.1
    assert found.details["sizes"][0] == 50 and found.details["sizes"][-1] == 500
    assert len(found.details["sizes"]) == len(found.details["distances"]) == 15


def test_fid_infinity_says_when_there_are_too_few_images():
    with pytest.raises(UsageError, match="too few to extrapolate"):
        FrechetInfinity()(gaussian(3, 0, 1, 1), gaussian(500, 0, 1, 2))


def test_cmmd_equals_the_formula_written_out():
    x, y = (np.random.default_rng(seed).normal(shift, 1, (30 + seed, 5)) for seed, shift in ((0, 0), (1, 2)))

    def kernel(a, b):
        return np.array([[math.exp(-np.sum((p - q) ** 2) / 200.0) for q in b] for p in a])

    expected = 1000 * (kernel(x, x).mean() + kernel(y, y).mean() - 2 * kernel(x, y).mean())
    found = Cmmd()(ArrayFeatures(x), ArrayFeatures(y))["cmmd"]
    assert found.value == pytest.approx(expected, rel=1e-10)
    assert found.ci_low < found.value < found.ci_high


def test_cmmd_of_a_set_and_itself_is_zero_whatever_the_tiles(monkeypatch):
    features = gaussian(90, 0, 1, 3)
    whole = Cmmd()(features, gaussian(70, 1, 1, 4))["cmmd"].value
    assert Cmmd()(features, features)["cmmd"].value == pytest.approx(0.0, abs=1e-9)
    monkeypatch.setattr("vtbench.metrics.feature_matrix.TILE_ROWS", 16)
    assert Cmmd()(features, gaussian(70, 1, 1, 4))["cmmd"].value == pytest.approx(whole, rel=1e-10)


def test_the_interval_of_cmmd_covers_what_fresh_samples_give_on_average():
    rows = np.random.default_rng(0)
    references = ArrayFeatures(rows.normal(0, 1, (200, 5)))
    found = [Cmmd()(ArrayFeatures(rows.normal(0.3, 1, (100, 5))), references)["cmmd"] for _ in range(100)]
    truth = np.mean([entry.value for entry in found])
    assert sum(entry.ci_low <= truth <= entry.ci_high for entry in found) >= 90


def test_moments_of_rows_are_numpys_whatever_the_chunks(monkeypatch):
    features = gaussian(300, 1e4, 1, 6)
    rows = np.concatenate(list(features.blocks()))
    monkeypatch.setattr("vtbench.metrics.sets.frechet._CHUNK_ROWS", 37)
    found = moments_of_rows(features, range(300))
    assert found.n == 300
    np.testing.assert_allclose(found.mean, rows.mean(0), rtol=1e-13)
    np.testing.assert_allclose(found.scatter / 299, np.cov(rows.T), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", ["fid", "fid_clean", "sfid", "fid_infinity"])
def test_inception_distances_of_few_images_are_refused_unless_allowed(name):
    few = gaussian(100, 0, 1, 1), gaussian(100, 0, 1, 2)
    (refusing,) = set_jobs([MetricRequest(name=name)], allow_small_sets=False)
    with pytest.raises(UsageError, match="needs at least 2048 images"):
        refusing.estimator(*few)
    (allowing,) = set_jobs([MetricRequest(name=name)], allow_small_sets=True)
    assert math.isfinite(allowing.estimator(*few)[allowing.names[name]].value)


def test_identical_sets_give_distance_zero_and_full_precision_and_recall():
    features = gaussian(200, 0, 1, 5)
    assert FrechetDistance()(features, features)["fd"].value == pytest.approx(0.0, abs=1e-8)
    found = Manifold()(features, features)
    assert found["precision"].value == found["recall"].value == 1.0


def test_names_of_the_generation_metrics_mean_what_they_should():
    assert set_metric("sfid").feature == "spatial" and set_metric("sfid").extractor == "inception_tf"
    assert set_metric("fid_infinity").estimator == "frechet_infinity"
    assert set_metric("fd_infinity_efflite0").estimator == "frechet_infinity"
    assert set_metric("fd_infinity_efflite0").extractor == "efflite0"
    assert set_metric("fd_clip").extractor == "clip" and set_metric("fd_dinov2").extractor == "dinov2"
    assert set_metric("cmmd").extractor == "clip_336"
    assert set_metric("sfd_efflite0") is None  # its features keep no position
    assert metric_info("clip_score").kind == "prompt"


def test_the_trace_term_equals_a_matrix_square_root():
    """sFID and FID share the estimator; here against scipy's square root, as ADM's evaluator takes it."""
    first, second = gaussian(300, 0.1, 1.0, 8), gaussian(300, 0.0, 1.4, 9)
    x, y = (np.concatenate(list(f.blocks())).astype(np.float64) for f in (first, second))
    root = linalg.sqrtm(np.cov(x.T) @ np.cov(y.T)).real
    expected = np.sum((x.mean(0) - y.mean(0)) ** 2) + np.trace(np.cov(x.T) + np.cov(y.T) - 2 * root)
    assert FrechetDistance()(first, second)["fd"].value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n", "m", "width"), [(60, 90, 8), (300, 200, 32), (41, 40, 3)])
def test_precision_and_recall_are_torch_fidelitys(n, m, width):
    from torch_fidelity.metric_prc import KEY_METRIC_PRECISION, KEY_METRIC_RECALL, prc_features_to_metric

    random = np.random.default_rng(n)
    first, second = random.normal(0.3, 1.2, (n, width)), random.normal(0, 1, (m, width))
    theirs = prc_features_to_metric(
        torch.from_numpy(first), torch.from_numpy(second), prc_neighborhood=3, verbose=False
    )
    ours = Manifold(k=3)(ArrayFeatures(first), ArrayFeatures(second))
    # theirs are means of float32
    assert ours["precision"].value == pytest.approx(theirs[KEY_METRIC_PRECISION], abs=1e-7)
    assert ours["recall"].value == pytest.approx(theirs[KEY_METRIC_RECALL], abs=1e-7)
    assert 0 < ours["precision"].value < 1 or 0 < ours["recall"].value < 1


def test_metrics_of_two_habits_have_two_names_and_the_name_sets_the_parameter():
    near, far = gaussian(120, 0.4, 1, 21), gaussian(110, 0, 1, 22)
    (job,) = set_jobs([MetricRequest(name="density_k5")], allow_small_sets=True)
    assert job.estimator(near, far)["density"].value == Manifold(k=5)(near, far)["density"].value
    assert Manifold(k=3)(near, far)["density"].value != Manifold(k=5)(near, far)["density"].value
    with pytest.raises(UsageError, match="density_k5 sets k by its name"):
        set_jobs([MetricRequest(name="density_k5", params={"k": 3})], allow_small_sets=True)
    assert len(set_jobs([MetricRequest(name=f"{name}_k5") for name in ("precision", "recall")], True)) == 1
    assert metric_info("coverage_k5").name == "coverage_k5" and set_metric("coverage_k5").params == {"k": 5}


def test_fid_infinity_may_begin_at_a_stated_size():
    rows, references = gaussian(400, 0, 1, 31), gaussian(300, 0.2, 1, 32)
    found = FrechetInfinity(first=100)(rows, references)["fd_infinity"]
    assert found.details["sizes"][0] == 100 and found.details["sizes"][-1] == 400
    assert FrechetInfinity()(rows, references)["fd_infinity"].details["sizes"][0] == 40
    (job,) = set_jobs([MetricRequest(name="fid_infinity_from_5000")], allow_small_sets=True)
    with pytest.raises(UsageError, match="sizes from 5000 on need more images than 400"):
        job.estimator(rows, references)
