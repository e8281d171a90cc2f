"""Distances of clouds against brute force, and sets of them against tables worked out by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import entropy

from vtbench.metrics.shapes.distances import Cloud, chamfer, earth_mover
from vtbench.metrics.shapes.matching import SetDistances, coverage, nearest_neighbour_accuracy, nearest_samples
from vtbench.metrics.shapes.occupancy import OccupancyGrid, jensen_shannon


def clouds(count: int, points: int, seed: int = 0) -> list[Cloud]:
    return [Cloud(points) for points in np.random.default_rng(seed).normal(size=(count, points, 3))]


def test_chamfer_is_that_of_all_pairs() -> None:
    one, other = clouds(2, 200)
    squares = ((one.points[:, None] - other.points[None]) ** 2).sum(-1)
    assert chamfer(one, other) == pytest.approx(squares.min(1).mean() + squares.min(0).mean(), rel=1e-14)
    assert chamfer(one, other) == chamfer(other, one) and chamfer(one, one) == 0.0
    far = Cloud(one.points[:3] + np.array([10, 0, 0]))
    assert chamfer(one, far) > 100, "clouds of unlike numbers of points, squared"


def test_earth_mover_is_the_best_of_all_pairings() -> None:
    for one, other in itertools.combinations(clouds(4, 6), 2):
        lengths = np.linalg.norm(one.points[:, None] - other.points[None], axis=-1)
        pairings = [np.mean([lengths[i, j] for i, j in enumerate(p)]) for p in itertools.permutations(range(6))]
        assert earth_mover(one, other) == pytest.approx(min(pairings), rel=1e-14)
    moved = Cloud(one.points + np.array([0.0, 3.0, 4.0]))
    assert earth_mover(one, moved) == pytest.approx(5.0), "a shift costs its length, not its square"
    with pytest.raises(ValueError, match="6 and 5 points"):
        earth_mover(one, Cloud(one.points[:5]))


def table(across: list[list[float]], samples: float, references: float) -> SetDistances:
    matrix = np.array(across, dtype=np.float64)
    off = 1 - np.eye(len(matrix))
    return SetDistances(matrix, samples * off, references * off)


def test_sets_by_a_table_of_hand() -> None:
    """Rows are samples: two of them lie by reference 0, one by reference 2, none by 1."""
    distances = table([[1, 5, 6], [2, 7, 8], [9, 4, 3]], samples=2.5, references=3.5)
    assert nearest_samples(distances).tolist() == [1, 4, 3]
    assert coverage(distances).value == pytest.approx(200 / 3)
    # references: 0 → sample (1 < 3.5), 1 → own (3.5 < 4), 2 → sample (3 < 3.5); samples: 0 → reference, 1 → reference
    # (2 < 2.5), 2 → own (2.5 < 3)
    assert nearest_neighbour_accuracy(distances).value == pytest.approx(100 * 2 / 6)


def test_ties_are_broken_by_index_references_first_and_counted() -> None:
    tied = table([[1, 1], [1, 1]], samples=1.0, references=1.0)
    assert coverage(tied).value == 50.0 and coverage(tied).ties == 2, "reference 0 is everybody's"
    found = nearest_neighbour_accuracy(tied)
    assert found.ties == 4
    # reference 0 → reference 1, reference 1 → reference 0, both samples → reference 0
    assert found.value == 50.0
    copies = table([[0, 4], [4, 0]], samples=4.0, references=4.0)
    assert nearest_neighbour_accuracy(copies).value == 0.0 and nearest_neighbour_accuracy(copies).ties == 0
    apart = table([[9, 9], [9, 9]], samples=1.0, references=1.0)
    assert nearest_neighbour_accuracy(apart).value == 100.0


def test_divergence_of_where_points_lie() -> None:
    grid = OccupancyGrid(28, 0.5)
    assert len(grid.cells) == 10144 and np.linalg.norm(grid.cells, axis=1).max() <= 0.5
    points = np.random.default_rng(0).uniform(-0.4, 0.4, (500, 3))
    brute = np.linalg.norm(points[:, None] - grid.cells[None], axis=-1).argmin(1)
    counts = grid.counts(points)
    assert (counts == np.bincount(brute, minlength=len(grid.cells))).all()
    assert grid.outside(np.array([[0.5, 0, 0], [0.0, 0.51, 0]])) == 1
    other = grid.counts(points * 0.5)
    p, q = counts / counts.sum(), other / other.sum()
    by_scipy = (entropy(p, (p + q) / 2, base=2) + entropy(q, (p + q) / 2, base=2)) / 2
    assert jensen_shannon(counts, other) == pytest.approx(by_scipy, abs=1e-12)
    assert jensen_shannon(counts, counts) == 0.0
    assert math.isclose(jensen_shannon(*(grid.counts(points + np.array([by, 0, 0])) for by in (-9, 9))), 1.0)
