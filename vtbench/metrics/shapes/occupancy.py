"""The Jensen-Shannon divergence of where two sets have their points (Achlioptas et al. 2018): a grid inside a sphere.

As PointFlow's ``jsd_between_point_cloud_sets`` at 26e8c26: the points of a cubic grid from ``-radius`` to ``radius``,
those outside the sphere left out; every point of every cloud counts for the grid point nearest to it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from vtbench.metrics.shapes.distances import Points

Counts = NDArray[np.int64]


class OccupancyGrid:
    """Counts points by cell.

    Args:
        resolution: grid points along a side of the cube.
        radius: of the sphere, half the cube's side; 0.5 in PointFlow.
    """

    def __init__(self, resolution: int, radius: float) -> None:
        self.radius = radius
        side = np.linspace(-radius, radius, resolution)
        grid = np.stack(np.meshgrid(side, side, side, indexing="ij"), axis=-1).reshape(-1, 3)
        self.cells = grid[np.linalg.norm(grid, axis=1) <= radius]
        self._tree = cKDTree(self.cells)

    def counts(self, points: Points) -> Counts:
        """``float64 [P,3]`` to ``int64`` counts, one a cell; points outside count for the nearest cell."""
        _, nearest = self._tree.query(points)
        return np.bincount(nearest, minlength=len(self.cells)).astype(np.int64)

    def outside(self, points: Points) -> int:
        """How many points lie outside the sphere, by more than a thousandth of its radius."""
        return int((np.linalg.norm(points, axis=1) > 1.001 * self.radius).sum())


@lru_cache(maxsize=2)
def occupancy_grid(resolution: int, radius: float) -> OccupancyGrid:
    """The grid, made once."""
    return OccupancyGrid(resolution, radius)


def jensen_shannon(first: Counts, second: Counts) -> float:
    """Divergence of two histograms in bits, from 0 (equal) to 1 (nowhere both)."""
    p, q = (counts / counts.sum() for counts in (first, second))
    middle = (p + q) / 2
    return max(0.0, _entropy(middle) - (_entropy(p) + _entropy(q)) / 2)


def _entropy(p: NDArray[np.float64]) -> float:
    held = p[p > 0]
    return float(-(held * np.log2(held)).sum())
