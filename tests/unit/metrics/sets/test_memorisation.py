"""Distances to training images: against brute force, scipy, and what is known of points that are nobody's copies."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import mannwhitneyu

from vtbench.core.errors import UsageError
from vtbench.metrics import feature_matrix
from vtbench.metrics.feature_matrix import ArrayFeatures, Float64
from vtbench.metrics.sets import nearest
from vtbench.metrics.sets.frechet import Moments
from vtbench.metrics.sets.memorisation import CopyRate, TrainingDistance
from vtbench.metrics.sets.nearest import nearest_of, nearest_others
from vtbench.metrics.sets.neighbours import Points


def features(rows: Float64) -> ArrayFeatures:
    return ArrayFeatures(rows, block_rows=7)


def drawn(seed: int, count: int, width: int) -> Float64:
    return np.random.default_rng(seed).normal(size=(count, width))


def in_small_tiles(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(feature_matrix, "TILE_ROWS", rows)


def brute_authenticity(samples: Float64, training: Float64) -> float:
    """By its definition, over the whole matrix."""
    between, among = cdist(samples, training), cdist(training, training)
    np.fill_diagonal(among, np.inf)
    closest = between.argmin(axis=1)
    return float((between.min(axis=1) > among.min(axis=1)[closest]).mean())


@pytest.mark.parametrize("width", [1, 3, 24])
def test_the_nearest_are_those_of_the_whole_matrix_in_tiles_of_any_size(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_tiles(monkeypatch, 32)
    left, right = drawn(0, 90, width), drawn(1, 130, width)
    found, whole = nearest_of(Points.of(features(left)), Points.of(features(right))), cdist(left, right)
    assert found.indices.tolist() == whole.argmin(axis=1).tolist()
    assert np.sqrt(found.squares) == pytest.approx(whole.min(axis=1), rel=1e-12)
    rows = np.array([3, 77, 129])
    others = nearest_others(Points.of(features(right)), rows)
    among = cdist(right, right)
    np.fill_diagonal(among, np.inf)
    assert others.indices.tolist() == among[rows].argmin(axis=1).tolist()


def test_copies_are_at_distance_0_and_of_equal_rows_the_first_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    in_small_tiles(monkeypatch, 16)
    training = 1e4 + drawn(2, 60, 40)  # a product of rows so long rounds to anything but 0
    training[50] = training[20]
    found = nearest_of(Points.of(features(training[[50, 7]])), Points.of(features(training)))
    assert found.squares.tolist() == [0.0, 0.0] and found.indices.tolist() == [20, 7]
    own = nearest_others(Points.of(features(training)), np.array([20, 50, 7]))
    assert own.squares[:2].tolist() == [0.0, 0.0] and own.indices[:2].tolist() == [50, 20] and own.squares[2] > 0


def test_authenticity_is_its_definition_also_where_distances_tie(monkeypatch: pytest.MonkeyPatch) -> None:
    in_small_tiles(monkeypatch, 32)
    grid = np.random.default_rng(3).integers(0, 4, size=(260, 3)).astype(np.float64)  # many equal distances, many 0
    samples, held_out, training = grid[:80], grid[80:160], grid[160:]
    found = TrainingDistance()(features(samples), features(held_out), features(training))["authenticity"]
    assert found.value == brute_authenticity(samples, training) and 0 < found.value < 1
    assert found.details["held_out"] == brute_authenticity(held_out, training)


@pytest.mark.parametrize(
    ("width", "expected"),
    # two points are each other's nearest with this probability: Pickard 1982
    [(1, 2 / 3), (2, 6 * math.pi / (8 * math.pi + 3 * math.sqrt(3))), (3, 16 / 27)],
)
def test_new_points_of_the_same_distribution_have_the_authenticity_of_points(width: int, expected: float) -> None:
    training, samples, held_out = (
        np.random.default_rng(seed).random((n, width)) for seed, n in ((4, 4000), (5, 2000), (6, 2000))
    )
    found = TrainingDistance()(features(samples), features(held_out), features(training))
    assert found["authenticity"].value == pytest.approx(1 - expected, abs=0.04)
    assert found["authenticity"].details["held_out"] == pytest.approx(1 - expected, abs=0.04)
    assert abs(found["ct_score"].value) < 3
    assert CopyRate("distance")(features(samples), features(held_out), features(training))["copy_rate"].value < 0.005


def test_copies_of_the_training_set_are_known_as_such() -> None:
    training, held_out = drawn(7, 300, 12), drawn(8, 200, 12)
    copies = training[:200].copy()
    found = TrainingDistance()(features(copies), features(held_out), features(training))
    assert found["authenticity"].value == 0.0 and found["authenticity"].ci_low == 0.0
    assert found["ct_score"].value < -15 and found["ct_score"].details["farther_than_held_out"] == 0.0
    pairs = found["authenticity"].details["nearest"]
    assert [pair["training"] for pair in pairs] == list(range(10)) and {pair["distance"] for pair in pairs} == {0.0}
    for similarity in ("cosine", "distance"):
        rate = CopyRate(similarity)(features(copies), features(held_out), features(training))["copy_rate"]
        assert rate.value == 1.0 and rate.details["held_out"] == 0.0


def test_the_ct_score_is_the_z_of_scipys_u() -> None:
    samples, held_out, training = 1.3 * drawn(9, 150, 5), drawn(10, 220, 5), drawn(11, 400, 5)
    found = TrainingDistance()(features(samples), features(held_out), features(training))["ct_score"]
    of = [cdist(side, training).min(axis=1) for side in (samples, held_out)]
    theirs = mannwhitneyu(*of, method="asymptotic", use_continuity=False)
    n, m = map(len, of)
    assert found.value == pytest.approx((theirs.statistic - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12), rel=1e-12)
    assert math.erfc(abs(found.value) / math.sqrt(2)) == pytest.approx(theirs.pvalue, rel=1e-9)
    assert found.value > 1  # wider than the training set: farther from it


def test_a_copy_is_what_is_likelier_than_the_quantile_of_held_out_images() -> None:
    training, held_out = np.eye(4), np.array([[1.0, 0.4, 0, 0], [0, 1.0, 0.5, 0], [0, 0, 1.0, 0.6]])
    samples = np.array([[8.0, 0.3 * 8, 0, 0], [0, 3.0, 0, 1.8], [0, 0, 0, 2.0]])  # lengths do not count
    found = CopyRate(quantile=1.0)(features(samples), features(held_out), features(training))["copy_rate"]
    assert found.value == pytest.approx(2 / 3)
    assert found.details["threshold"] == pytest.approx(1 / math.hypot(1, 0.4))
    half = CopyRate(quantile=0.5)(features(samples), features(held_out), features(training))["copy_rate"]
    assert half.details["threshold"] == pytest.approx(1 / math.hypot(1, 0.5)) and half.value == pytest.approx(2 / 3)
    lowest = CopyRate(quantile=0.3)(features(samples), features(held_out), features(training))["copy_rate"]
    assert lowest.value == pytest.approx(2 / 3)


def test_held_out_images_that_were_trained_on_tell_no_copies() -> None:
    training = drawn(12, 40, 3)
    with pytest.raises(UsageError, match="3 of 30 held-out images are training images"):
        CopyRate()(
            features(drawn(13, 9, 3)), features(np.concatenate([training[:3], drawn(14, 27, 3)])), features(training)
        )


def test_what_cannot_be_compared_is_refused() -> None:
    rows = features(drawn(15, 20, 3))
    with pytest.raises(UsageError, match="3 features an image, references 4"):
        TrainingDistance()(rows, rows, features(drawn(16, 20, 4)))
    with pytest.raises(UsageError, match="hold moments only"):
        TrainingDistance()(rows, rows, Moments.of(drawn(17, 20, 3)))
    with pytest.raises(UsageError, match="at least two are needed"):
        TrainingDistance()(rows, rows, features(drawn(18, 1, 3)))
    for wrong in ({"quantile": 0.0}, {"quantile": 1.5}, {"similarity": "dot"}):
        with pytest.raises(UsageError):
            CopyRate(**wrong)  # type: ignore[arg-type]


def test_no_matrix_of_all_pairs_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    product = nearest.by_product
    monkeypatch.setattr(nearest, "by_product", lambda x, y: sizes.append(len(x) * len(y)) or product(x, y))
    in_small_tiles(monkeypatch, 64)
    rows = features(drawn(19, 500, 4))
    TrainingDistance()(rows, rows, features(drawn(20, 700, 4)))
    assert max(sizes) <= 64 * 64 and len(sizes) > 100
