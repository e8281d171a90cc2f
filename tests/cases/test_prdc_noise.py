"""Duplicates, within a set and across sets: a distance equal to the radius is outside, as exact differences say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from vtbench.metrics.feature_matrix import ArrayFeatures
from vtbench.metrics.sets.manifold import Manifold

Matrix = np.ndarray[Any, Any]


def exact(predictions: Matrix, references: Matrix, k: int) -> dict[str, float]:
    p, r = predictions.astype(np.float64), references.astype(np.float64)
    around_p, around_r = (np.sort(cdist(x, x), axis=1)[:, k] for x in (p, r))
    distances = cdist(r, p)
    inside = distances < around_r[:, None]
    return {
        "precision": inside.any(axis=0).mean(),
        "recall": (distances < around_p[None]).any(axis=1).mean(),
        "density": inside.sum(axis=0).mean() / k,
        "coverage": inside.any(axis=1).mean(),
    }


def found(predictions: Matrix, references: Matrix, k: int) -> dict[str, float]:
    estimates = Manifold(k=k)(ArrayFeatures(predictions), ArrayFeatures(references))
    return {name: estimate.value for name, estimate in estimates.items()}


def positive(seed: int, n: int, width: int = 2048, scale: float = 0.4) -> Matrix:
    return (np.abs(np.random.default_rng(seed).normal(size=(n, width))) * scale).astype(np.float32)


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("scale", [0.4, 30])
@pytest.mark.parametrize(("n", "m"), [(7, 250), (61, 263), (250, 251), (250, 270)])
def test_copies_of_references_given_five_times(n: int, m: int, scale: float, k: int) -> None:
    references = np.repeat(positive(3, 60, scale=scale), 5, axis=0)[:m]
    predictions = references[np.random.default_rng(n).permutation(len(references))[:n]]
    assert found(predictions, references, k) == pytest.approx(exact(predictions, references, k), abs=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_equal_sets_shuffled_and_far_from_the_origin(offset: float) -> None:
    references = positive(4, 200, width=300) + np.float32(offset)
    predictions = np.random.default_rng(0).permutation(references)
    assert found(predictions, references, 3) == pytest.approx(exact(predictions, references, 3), abs=1e-12)


def test_every_prediction_is_one_image() -> None:
    references = positive(5, 90, width=512)
    predictions = np.repeat(references[:1], 40, axis=0)
    assert found(predictions, references, 3) == pytest.approx(exact(predictions, references, 3), abs=1e-12)


def test_many_equal_distances() -> None:
    """Rows with one feature set: every distance between two kinds is the same."""
    references, predictions = np.eye(30, dtype=np.float32)[[*range(30), 1, 2]], np.eye(30, dtype=np.float32)[:9]
    assert found(predictions, references, 2) == exact(predictions, references, 2)


def test_tiles_share_their_doubts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal rows fall into different tiles, and a radius is decided by several."""
    monkeypatch.setattr("vtbench.metrics.feature_matrix.TILE_ROWS", 16)
    references = np.concatenate([positive(6, 50, width=64)] * 2)
    predictions = np.random.default_rng(1).permutation(references)[:70]
    for k in (1, 2, 3):
        assert found(predictions, references, k) == pytest.approx(exact(predictions, references, k), abs=1e-12)


def test_equal_rows_are_told_apart_from_nearly_equal_ones() -> None:
    references = positive(7, 40, width=128)
    near = np.nextafter(references, np.float32(np.inf))
    assert found(near, references, 1) == pytest.approx(exact(near, references, 1), abs=1e-12)
    twins = np.concatenate([references, near])
    assert found(references, twins, 1) == pytest.approx(exact(references, twins, 1), abs=1e-12)
