"""What a task of maps keeps of every map, and how it is called in rows and block files."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.metrics.catalog.maps import MAP_METRICS, OWN_IOU
from vtbench.tasks import MetricRequest

PREFIX = "maps."
CONFUSION = f"{PREFIX}confusion"
"""``int64 [B,K,C,C+1]``; of other metrics ``float64 [B,K]`` under their names."""


def map_columns(metrics: Sequence[MetricRequest]) -> list[str]:
    """Columns of rows: a value of every map, the mean of its samples."""
    names = {request.name for request in metrics}
    of_labels = [OWN_IOU] if names & set(MAP_METRICS["segmentation"]) else []
    return of_labels + [name for of in ("depth", "normals") for name in MAP_METRICS[of] if name in names]
