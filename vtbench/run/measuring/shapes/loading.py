"""Both sets of clouds in memory, as many points each, at one scale; and why a cloud is not among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vtbench.core.errors import SampleError
from vtbench.data.clouds.contract import Points, Side
from vtbench.metrics.shapes.distances import Cloud
from vtbench.tasks.sections import ShapesSpec

Loaded = list[Cloud | str]
"""A cloud, or why there is none."""


@dataclass(frozen=True, eq=False)
class Bank:
    """Samples and references by place, equally many."""

    samples: Loaded
    references: Loaded

    def trouble(self, index: int) -> str:
        """Why a row cannot be scored: its sample's, or the reference's of its place; empty where it can."""
        sample, reference = self.samples[index], self.references[index]
        if isinstance(sample, str):
            return sample
        return f"the reference of its place: {reference}" if isinstance(reference, str) else ""


def load(samples: Side, references: Side, spec: ShapesSpec) -> Bank:
    """Every cloud of both sides."""
    first, second = (_points(side, spec) for side in (samples, references))
    move, scale = _of_set(second) if spec.normalise == "set" else (np.zeros(3), 1.0)
    each = spec.normalise == "unit-sphere"
    return Bank(*([_cloud(found, move, scale, each) for found in side] for side in (first, second)))


def _points(side: Side, spec: ShapesSpec) -> list[Points | str]:
    found: list[Points | str] = []
    for index in range(len(side.places)):
        try:
            found.append(side.points(index, spec.points, spec.seed))
        except SampleError as error:
            found.append(error.what)
    return found


def _of_set(references: list[Points | str]) -> tuple[Points, float]:
    """Mean of all points, by axis, and their deviation from it, over all axes."""
    there = [points for points in references if not isinstance(points, str)]
    together = np.concatenate(there) if there else np.zeros((1, 3))
    mean = together.mean(axis=0)
    return mean, float((together - mean).std()) or 1.0


def _cloud(points: Points | str, move: Points, scale: float, each: bool) -> Cloud | str:
    if isinstance(points, str):
        return points
    if each:
        move = points.mean(axis=0)
        scale = float(np.linalg.norm(points - move, axis=1).max())
        if scale == 0:
            return "all points lie in one place: it has no size to be brought to 1"
    return Cloud((points - move) / scale)
