"""How a judged metric's value follows from rows, each of one prompt: from sums and counts of parts.

A row holds, of each column, the mean of what a judge gave the prompt's images and how many that were, ``COLUMN_n``.
A value is a function of the means of one or more parts over all prompts, so that it is computed, resampled over
prompts and compared prompt by prompt in one way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vtbench.results.records.samples import Samples

Column = NDArray[np.float64]
Part = tuple[Column, Column]
"""Sums and counts, ``float64 [N]`` each; NaN where a prompt takes no part."""
BY, PARTS, WEIGHTS, LIMIT = "mean_over", "mean_of", "weights", "limit"
"""Details of a result that say how it follows from its rows, where it is not the mean over everything."""
TEXT_PARTS = ("ed", "cr", "wac")


def count_column(column: str) -> str:
    """Where the count behind a column of means is."""
    return f"{column}_n"


def part_column(metric: str, part: str) -> str:
    """The column of a part of each prompt, such as the questions of one skill: ``skill=count``."""
    return f"{metric}:{part}"


def parts_of(samples: Samples, metric: str, stratum: str, details: Mapping[str, Any]) -> list[Part]:
    """The parts that a result is a function of, over all rows.

    Raises:
        KeyError: a column is not there.
    """
    if stratum != "all" and part_column(metric, stratum) in samples.metrics:
        return [_part(samples, part_column(metric, stratum))]
    if stratum != "all":
        return [_part(samples, metric)]
    if PARTS in details:
        return [_part(samples, part_column(metric, part)) for part in details[PARTS]]
    if LIMIT in details:
        return [_part(samples, part_column(metric, part)) for part in TEXT_PARTS]
    sums, counts = _part(samples, metric)
    if BY not in details:
        return [(sums, counts)]
    labels = np.array(samples.strata[details[BY]], dtype=object)
    masks = [(labels == label).astype(np.float64) for label in details[WEIGHTS]]
    return [(sums * mask, counts * mask) for mask in masks]


def finish_of(details: Mapping[str, Any], stratum: str = "all") -> Callable[[Column], Column]:
    """From means of parts ``[R,P]`` to values ``[R]``."""
    if stratum == "all" and LIMIT in details:
        return partial(text_score, limit=float(details[LIMIT]))
    weights = list(details[WEIGHTS].values()) if stratum == "all" and BY in details else None
    return partial(weighted_mean, weights=weights)


def weighted_mean(means: Column, weights: Sequence[float] | None = None) -> Column:
    """The mean of the parts' means, in any unit of weights."""
    return np.asarray(np.average(means, axis=1, weights=weights), dtype=np.float64)


def text_score(means: Column, limit: float) -> Column:
    """OneIG-Bench's: what is left of 1 after edits ``[R,0]``, unless texts ``[R,1]`` or words ``[R,2]`` are right."""
    edits, whole, words = means.T
    return np.asarray(1.0 - np.minimum(limit, edits) * (1.0 - whole) * (1.0 - words) / limit)


def _part(samples: Samples, column: str) -> Part:
    means, counts = (np.asarray(samples.metrics[name], dtype=np.float64) for name in (column, count_column(column)))
    return np.where(counts == 0, 0.0, means * counts), counts
