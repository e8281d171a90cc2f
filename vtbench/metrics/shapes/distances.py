"""Distances of two point clouds: the Chamfer distance, squared, and the earth mover's, exact and not squared.

The definitions are those of PointFlow (Yang et al. 2019): ``metrics/evaluation_metrics.py`` at 26e8c26 was read and
run by hand beside this on CPUs, and PVD's at 9747265 read, which has the same formulas. Differences that are meant:

- Both expand the squares of a Chamfer distance in float32, which leaves few digits near 0; here a k-d tree finds the
  neighbours, and differences are squared in float64.
- The earth mover's distance is exact, as in PointFlow's fallback for CPUs. Its kernel for GPUs and PVD's approximate an
  assignment: other values, and another 1-NNA, of the same clouds.
- No distance depends on what else is computed: pairs may be dealt out, and resumed, at will.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

Points = NDArray[np.float64]
DISTANCES = ("cd", "emd")


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points, and a tree that finds their neighbours.

    Attributes:
        points: ``float64 [P,3]``, finite.
    """

    points: Points

    @cached_property
    def tree(self) -> Any:
        """Of the points."""
        return cKDTree(self.points)


def chamfer(first: Cloud, second: Cloud) -> float:
    """Mean over each cloud's points of the squared distance to the other's nearest; the sum of both means."""
    return _one_way(first, second) + _one_way(second, first)


def _one_way(source: Cloud, target: Cloud) -> float:
    _, nearest = target.tree.query(source.points)
    difference = source.points - target.points[nearest]
    return float((difference**2).sum(axis=1).mean())


def earth_mover(first: Cloud, second: Cloud) -> float:
    """Mean distance of paired points under the pairing, one to one, that makes it least.

    Raises:
        ValueError: clouds of unlike numbers of points.
    """
    if len(first.points) != len(second.points):
        raise ValueError(f"clouds of {len(first.points)} and {len(second.points)} points cannot be paired one to one")
    costs = cdist(first.points, second.points)
    rows, columns = linear_sum_assignment(costs)
    return float(costs[rows, columns].mean())


def distance(name: str, first: Cloud, second: Cloud) -> float:
    """One of :data:`DISTANCES`: ``cd`` or ``emd``."""
    return chamfer(first, second) if name == "cd" else earth_mover(first, second)
