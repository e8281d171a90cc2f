"""What image and condition metrics say of the samples of a block, on their way to the host."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from vtbench.core.contracts import Condition, ConditionMetric, ImageMetric
from vtbench.core.foreign.guard import foreign
from vtbench.core.threads.steady import one_thread_unless_own
from vtbench.data.conditions import line_of
from vtbench.run.measuring.tally import runs_of_equal_shape
from vtbench.run.measuring.transit.scored import Scored, values_back
from vtbench.run.measuring.transit.transfers import Transfers
from vtbench.tasks.kinds import TRUTH

_AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class Conditioned:
    """A sample ``uint8 [3,H,W]`` and its condition, images at size."""

    id: str
    image: Tensor
    condition: Condition


def truth_scores(metrics: Mapping[str, ImageMetric], samples: Sequence[Conditioned], transfers: Transfers) -> Scored:
    """Image metrics of samples of one shape against the image that was wanted."""
    prediction = transfers.there([sample.image for sample in samples])
    reference = transfers.there([sample.condition.image(TRUTH) for sample in samples])
    targets = [dict(sample.condition.metadata) for sample in samples]
    columns: dict[str, Tensor] = {}
    for metric in metrics.values():
        name = f"metric {metric.info.name}"
        with foreign(name):
            values = metric(prediction, reference, targets)
        columns[metric.info.row_column] = values_back(name, values, len(samples), transfers)
    return Scored([sample.id for sample in samples], columns)


def condition_scores(
    metrics: Mapping[str, ConditionMetric], samples: Sequence[Conditioned], transfers: Transfers
) -> list[Scored]:
    """Condition metrics of all samples of a block; those of one line together where a metric asks for it.

    Raises:
        ForeignCodeError: a metric's values are not one an image.
    """
    return [
        _scored(metric, part, transfers)
        for metric in metrics.values()
        for group in (_lines(samples) if getattr(metric, "of_groups", False) else [samples])
        for part in _alike(group, None if getattr(metric, "of_groups", False) else _AT_ONCE)
    ]


def _scored(metric: ConditionMetric, samples: Sequence[Conditioned], transfers: Transfers) -> Scored:
    name = f"metric {metric.info.name}"
    images = transfers.there([sample.image for sample in samples])
    with foreign(name), one_thread_unless_own(metric):
        found = metric(images, [sample.condition for sample in samples])
    by_column = found if isinstance(found, Mapping) else {metric.info.row_column: found}
    columns = {
        column: values_back(f"{name}: {column}", values, len(samples), transfers)
        for column, values in by_column.items()
    }
    return Scored([sample.id for sample in samples], columns)


def _lines(samples: Sequence[Conditioned]) -> Iterator[list[Conditioned]]:
    """Neighbours that were made from one line of the list."""
    for _, group in itertools.groupby(samples, key=lambda sample: line_of(sample.id)):
        yield list(group)


def _alike(samples: Sequence[Conditioned], most: int | None) -> Iterator[Sequence[Conditioned]]:
    for span in runs_of_equal_shape([sample.image for sample in samples], most):
        yield samples[span]
