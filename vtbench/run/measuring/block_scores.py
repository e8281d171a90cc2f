"""Metrics that look at a whole block at once, so that the model's batch size cannot move them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from vtbench.core.contracts import BlockMetric, Prepared
from vtbench.core.foreign.guard import foreign
from vtbench.core.threads.steady import one_thread_unless_own
from vtbench.run.measuring.transit.scored import Scored, values_back
from vtbench.run.measuring.transit.transfers import Transfers


@dataclass(frozen=True, eq=False)
class Pair:
    """A sample and its prediction, ``uint8 [3,H,W]`` at the reference's size."""

    sample: Prepared
    prediction: Tensor


def score_block(metrics: Sequence[BlockMetric], pairs: Sequence[Pair], transfers: Transfers) -> list[Scored]:
    """Neighbours of one shape are scored together."""
    asked: list[Scored] = []
    if not metrics:
        return asked
    for _, group in itertools.groupby(pairs, key=lambda pair: pair.prediction.shape):
        alike = list(group)
        prediction = transfers.there([pair.prediction for pair in alike])
        reference = transfers.there([pair.sample.reference for pair in alike])
        targets = [pair.sample.target for pair in alike]
        columns: dict[str, Tensor] = {}
        for metric in metrics:
            with foreign(f"metric {metric.info.name}"), one_thread_unless_own(metric):
                found = dict(metric(prediction, reference, targets))
            for column, scores in found.items():
                name = f"metric {metric.info.name}: {column}"
                columns[column] = values_back(name, scores, len(alike), transfers)
        asked.append(Scored([pair.sample.id for pair in alike], columns))
    return asked
