"""What metrics of shapes need of every row, and how its arrays are called in a block file."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.metrics.catalog.shapes import JSD_RESOLUTION, distances_of
from vtbench.metrics.shapes.occupancy import OccupancyGrid, occupancy_grid
from vtbench.tasks import MetricRequest, TaskSpec

PREFIX = "shapes."
ACROSS, SAMPLES, REFERENCES = "across", "samples", "references"
OCCUPANCY, OUTSIDE = f"{PREFIX}occupancy", f"{PREFIX}outside"
"""``int64 [2,C]`` counts of points by cell and ``int64 [2]`` of points outside, of samples and of references."""


def asked_distances(metrics: Sequence[MetricRequest]) -> tuple[str, ...]:
    """``cd``, ``emd`` or both."""
    return distances_of(tuple(request.name for request in metrics))


def nearest_columns(metrics: Sequence[MetricRequest]) -> list[str]:
    """Columns of rows: the distance of a sample to its nearest reference."""
    return [f"nearest_{distance}" for distance in asked_distances(metrics)]


def array_name(distance: str, pairs: str) -> str:
    """``float64 [B,N]`` of samples to all references; ``[B,N//2]`` within a set, to those that follow in a circle."""
    return f"{PREFIX}{distance}.{pairs}"


def followers(index: int, count: int) -> list[int]:
    """Whom a member of a set of ``count`` is paired with: half of the others, so that every pair falls to one row and
    all rows have the same work; the last is left out where a pair would fall to both."""
    steps = [step for step in range(1, count // 2 + 1) if 2 * step != count or index < count // 2]
    return [(index + step) % count for step in steps]


def asked_grid(task: TaskSpec) -> OccupancyGrid | None:
    """Of the sphere that clouds are brought into; of radius 0.5, as the field has them, where they keep their size."""
    if task.shapes is None or not any(request.name == "jsd_3d" for request in task.shape_metrics):
        return None
    return occupancy_grid(JSD_RESOLUTION, 1.0 if task.shapes.normalise == "unit-sphere" else 0.5)
