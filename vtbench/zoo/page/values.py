"""Values of measured rows, as the zoo's page reads and writes them."""

from __future__ import annotations

from vtbench.report.gather import Run
from vtbench.results.records.schema import MetricResult
from vtbench.zoo.sampling.shapes import Reading

DISTANCE = "fd_efflite0"
"""What generators are held against images by: no larger network's weights come with vtbench."""


def result_of(run: Run, name: str) -> MetricResult:
    """A metric that the run's task has."""
    found = run.record.result(name)
    assert found is not None, f"{run.label} lacks {name}"
    return found


def reading(result: MetricResult, x: float = 0.0) -> Reading:
    """A value at ``x`` with the half width of its interval; 0 where it has none."""
    low, high = result.ci_low, result.ci_high
    return Reading(x, result.value, 0.0 if low is None or high is None else (high - low) / 2)
