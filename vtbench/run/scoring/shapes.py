"""Fold stored distances of two sets of clouds: MMD, COV, 1-NNA by each distance, and where their points lie."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vtbench.core.contracts import Estimate
from vtbench.metrics.catalog.lookup import metric_info
from vtbench.metrics.shapes.matching import SetDistances, coverage, nearest_neighbour_accuracy, nearest_samples
from vtbench.metrics.shapes.occupancy import jensen_shannon
from vtbench.results.records.samples import FAILED
from vtbench.results.records.schema import MetricResult
from vtbench.results.records.statistics import bootstrap_interval, interval_method
from vtbench.run.measuring.shapes.asked import (
    ACROSS,
    OCCUPANCY,
    OUTSIDE,
    PREFIX,
    REFERENCES,
    SAMPLES,
    array_name,
    asked_distances,
    asked_grid,
    followers,
)
from vtbench.run.scoring.fold import Measured, metric_result

Matrix = NDArray[np.float64]
_LEAST = 2
"""Clouds a side: of one, no other member of its set is there to be nearest."""


def shape_results(measured: Measured) -> list[MetricResult]:
    """All that a task of shapes asks for, over the rows that are sound on both sides; nothing where too few are."""
    task = measured.manifest.task_spec
    kept = np.flatnonzero([status != FAILED for status in measured.samples.status])
    if task.shapes is None or len(kept) < _LEAST:
        return []
    parts = [measured.store.tensors(block, PREFIX) for block in measured.blocks]
    found: dict[str, Estimate] = {}
    for distance in asked_distances(task.shape_metrics):
        found |= _of_distance(distance, _distances(distance, parts, kept))
    if (grid := asked_grid(task)) is not None:
        found["jsd_3d"] = _of_occupancy(parts, grid.radius, len(kept), len(kept) * task.shapes.points)
    common = {"points": task.shapes.points, "normalise": task.shapes.normalise}
    return [
        metric_result(metric_info(name), replace(estimate, details={**common, **estimate.details}))
        for name in (request.name for request in task.shape_metrics)
        for estimate in (found[name],)
    ]


def _of_distance(name: str, distances: SetDistances) -> dict[str, Estimate]:
    n = len(distances.across)
    nearest = nearest_samples(distances)
    low, high = bootstrap_interval(nearest, "mean")
    how = interval_method().replace("over samples", "over references, the samples as they are")
    covered, accuracy = coverage(distances), nearest_neighbour_accuracy(distances)
    return {
        f"mmd_{name}": Estimate(value=float(nearest.mean()), n=n, ci_low=low, ci_high=high, ci_method=how),
        f"cov_{name}": Estimate(value=covered.value, n=n, details={"ties": covered.ties}),
        f"nna_{name}": Estimate(value=accuracy.value, n=n, details={"ties": accuracy.ties}),
        f"nna_{name}_gap": Estimate(value=abs(accuracy.value - 50.0), n=n, details={"ties": accuracy.ties}),
    }


def _of_occupancy(parts: list[dict[str, Any]], radius: float, n: int, points: int) -> Estimate:
    counts = np.sum([part[OCCUPANCY.removeprefix(PREFIX)] for part in parts], axis=0)
    outside = np.sum([part[OUTSIDE.removeprefix(PREFIX)] for part in parts], axis=0)
    shares = {"outside_samples": float(outside[0]) / points, "outside_references": float(outside[1]) / points}
    return Estimate(value=jensen_shannon(counts[0], counts[1]), n=n, details={"radius": radius, **shares})


def _distances(name: str, parts: list[dict[str, Any]], kept: NDArray[np.int64]) -> SetDistances:
    across, samples, references = (
        np.concatenate([part[array_name(name, pairs).removeprefix(PREFIX)] for part in parts])
        for pairs in (ACROSS, SAMPLES, REFERENCES)
    )
    chosen = np.ix_(kept, kept)
    return SetDistances(across[chosen], _square(samples)[chosen], _square(references)[chosen])


def _square(rows: Matrix) -> Matrix:
    """Rows ``[N,N//2]`` of a circle to the symmetric matrix ``[N,N]``."""
    count = len(rows)
    square = np.zeros((count, count))
    for index, row in enumerate(rows):
        others = followers(index, count)
        square[index, others] = square[others, index] = row[: len(others)]
    return square
