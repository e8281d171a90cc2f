"""Metrics of a task that compare samples with the images that a generator was trained on."""

from __future__ import annotations

from collections.abc import Iterable

from vtbench.metrics.catalog.lookup import set_metric
from vtbench.metrics.catalog.means import mean_parts
from vtbench.metrics.catalog.rates import CODE_COPIES
from vtbench.tasks.sections import MetricRequest


def of_training(requests: Iterable[MetricRequest]) -> tuple[MetricRequest, ...]:
    """Those among set and code metrics."""
    return tuple(request for request in requests if request.name in CODE_COPIES or _takes_training(request.name))


def check_training(kind: str, is_named: bool, asked: Iterable[MetricRequest]) -> None:
    """Training images go with metrics that compare with them.

    Raises:
        ValueError: one without the other, or in a task that samples nothing.
    """
    if is_named and kind != "generation":
        raise ValueError("training images belong to generation tasks")
    names = [request.name for request in asked]
    if bool(names) != is_named:
        told = ", ".join(names) or "authenticity_efflite0"
        raise ValueError(f"training goes with metrics that compare with it, and they with it: {told}")


def _takes_training(name: str) -> bool:
    entry = set_metric(next(iter(mean_parts(name)), name))
    return entry is not None and entry.of_training
