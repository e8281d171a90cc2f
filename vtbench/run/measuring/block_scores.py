"""Metrics that look at a whole block at once, so that the model's batch size cannot move them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vtbench.core.contracts import BlockMetric, Prepared
from vtbench.core.foreign.guard import foreign
from vtbench.core.foreign.returned import one_number_each


@dataclass(frozen=True, eq=False)
class Pair:
    """A sample and its prediction, ``uint8 [3,H,W]`` at the reference's size."""

    sample: Prepared
    prediction: Tensor


def score_block(
    metrics: Sequence[BlockMetric], pairs: Sequence[Pair], device: torch.device
) -> dict[str, dict[str, float]]:
    """Values by sample id and column. Neighbours of one shape are scored together."""
    values: dict[str, dict[str, float]] = {}
    if not metrics:
        return values
    for _, group in itertools.groupby(pairs, key=lambda pair: pair.prediction.shape):
        alike = list(group)
        prediction = torch.stack([pair.prediction for pair in alike]).to(device)
        reference = torch.stack([pair.sample.reference for pair in alike]).to(device)
        targets = [pair.sample.target for pair in alike]
        for metric in metrics:
            with foreign(f"metric {metric.info.name}"):
                found = dict(metric(prediction, reference, targets))
            for column, scores in found.items():
                each = one_number_each(f"metric {metric.info.name}: {column}", scores, len(alike))
                for pair, score in zip(alike, each, strict=True):
                    values.setdefault(pair.sample.id, {})[column] = score
    return values
