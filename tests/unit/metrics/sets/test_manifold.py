"""Precision, recall, density, coverage: prdc, torch-fidelity, closed forms, ties, tiles."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from prdc import compute_prdc
from scipy.spatial import cKDTree
from torch_fidelity.metric_prc import KEY_METRIC_PRECISION, KEY_METRIC_RECALL, prc_features_to_metric

from vtbench.core.errors import UsageError
from vtbench.metrics.feature_matrix import ArrayFeatures
from vtbench.metrics.sets.manifold import Manifold
from vtbench.metrics.sets.neighbours import Balls, Points

NAMES = ("precision", "recall", "density", "coverage")


def draws(seed: int, n: int, width: int, scale: float = 1.0) -> np.ndarray:
    return (scale * np.random.default_rng(seed).standard_normal((n, width)) + 5).astype(np.float32)


def prdc(predictions: np.ndarray, references: np.ndarray, k: int = 3) -> dict[str, float]:
    found = Manifold(k=k)(ArrayFeatures(predictions), ArrayFeatures(references))
    return {name: found[name].value for name in NAMES}


@pytest.mark.parametrize(("n", "m", "width", "k"), [(200, 300, 16, 3), (150, 150, 64, 5), (80, 120, 2, 1)])
def test_it_equals_prdc(n: int, m: int, width: int, k: int) -> None:
    x, y = draws(0, n, width, scale=0.9), draws(1, m, width)
    expected = compute_prdc(real_features=y, fake_features=x, nearest_k=k)
    found = prdc(x, y, k)
    assert len(set(found.values())) > 2 and min(found.values()) > 0
    assert {name: found[name] for name in ("precision", "recall", "coverage")} == {
        name: float(expected[name]) for name in ("precision", "recall", "coverage")
    }
    assert found["density"] == pytest.approx(expected["density"], rel=1e-12)


@pytest.mark.parametrize("save_cpu_ram", [True, False])
def test_it_equals_torch_fidelity(save_cpu_ram: bool) -> None:
    x, y = draws(2, 250, 16, scale=0.8), draws(3, 200, 16)
    double = [torch.from_numpy(features.astype(np.float64)) for features in (x, y)]
    theirs = prc_features_to_metric(
        *double, prc_neighborhood=3, prc_batch_size=64, save_cpu_ram=save_cpu_ram, verbose=False
    )
    found = prdc(x, y)
    assert found["precision"] == pytest.approx(theirs[KEY_METRIC_PRECISION], abs=1e-7)
    assert found["recall"] == pytest.approx(theirs[KEY_METRIC_RECALL], abs=1e-7)
    assert 0 < found["recall"] < found["precision"] <= 1


def test_equal_sets() -> None:
    """Each ball holds its own centre and k - 1 others; the k-th lies on the surface, which is outside."""
    x = draws(4, 300, 32)
    assert prdc(x, x.copy()) == {"precision": 1.0, "recall": 1.0, "density": 1.0, "coverage": 1.0}


def test_sets_far_apart() -> None:
    x = draws(5, 50, 8)
    assert prdc(x, x + 100) == dict.fromkeys(NAMES, 0.0)


def test_points_on_a_line() -> None:
    """References at 0, 1, 3, 7 have nearest-neighbour radii 1, 1, 2, 4."""
    references = np.array([[0.0], [1.0], [3.0], [7.0]], dtype=np.float32)
    predictions = np.array([[0.5], [2.0], [9.0], [40.0]], dtype=np.float32)
    # 0.5 lies in the balls of 0 and 1; 2 on the surface of 1, inside that of 3; 9 inside that of 7; 40 in none.
    # Predictions have radii 1.5, 1.5, 7, 31: 0 and 1 are near 0.5; 3 is near 2; 7 is near 9.
    found = prdc(predictions, references, k=1)
    assert found == {"precision": 0.75, "recall": 1.0, "density": 1.0, "coverage": 1.0}


def test_duplicates_are_treated_as_prdc_treats_them() -> None:
    y = np.repeat(draws(6, 30, 4), 5, axis=0)
    x = np.concatenate([y[::5], draws(7, 40, 4)])
    expected = compute_prdc(real_features=y, fake_features=x, nearest_k=3)
    assert prdc(x, y) == pytest.approx({name: float(expected[name]) for name in NAMES}, rel=1e-12)


def test_radii_match_a_k_d_tree() -> None:
    x = draws(8, 400, 6)
    expected = cKDTree(x.astype(np.float64)).query(x.astype(np.float64), k=5)[0][:, -1]
    balls = Balls.around(Points.of(ArrayFeatures(x)), 4)
    np.testing.assert_allclose(np.sqrt(balls.squares), expected, rtol=1e-6)
    np.testing.assert_allclose(np.sqrt(balls.exact(np.arange(400))), expected, rtol=1e-14)


def test_tiles_blocks_and_order_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = draws(9, 300, 16, 0.9), draws(10, 260, 16)
    expected = Manifold()(ArrayFeatures(x), ArrayFeatures(y))
    assert Manifold()(ArrayFeatures(x, 17), ArrayFeatures(y, 5)) == expected
    monkeypatch.setattr("vtbench.metrics.feature_matrix.TILE_ROWS", 64)
    assert Manifold()(ArrayFeatures(x), ArrayFeatures(y)) == expected
    shuffled = np.random.default_rng(0).permutation(x)
    assert Manifold()(ArrayFeatures(shuffled), ArrayFeatures(y)) == expected


def test_intervals_and_details() -> None:
    n, found = 200, Manifold(k=4)(ArrayFeatures(draws(11, 200, 16)), ArrayFeatures(draws(12, 150, 16)))
    share, z = found["precision"].value, 1.959963984540054
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    assert found["precision"].ci_low == pytest.approx(centre - half, rel=1e-9)
    assert found["precision"].ci_high == pytest.approx(centre + half, rel=1e-9)
    assert found["precision"].details == {"n_predictions": 200, "n_references": 150, "k": 4}
    assert [found[name].n for name in NAMES] == [200, 150, 200, 150]
    density = found["density"]
    assert density.ci_low is not None and density.ci_high is not None
    assert density.ci_low < density.value < density.ci_high


def test_refusals_say_what_to_do() -> None:
    x = draws(13, 10, 4)
    with pytest.raises(UsageError, match=r"k=10 needs more than 10 images[\s\S]*at most 9"):
        prdc(x, x, k=10)
    with pytest.raises(UsageError, match="k=0"):
        Manifold(k=0)
    with pytest.raises(UsageError, match="4 features an image, references 3"):
        prdc(x, x[:, :3])
