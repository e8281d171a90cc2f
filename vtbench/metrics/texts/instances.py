"""Scores of the parts of an image (words, faces), added up by their relative size; only sums and counts are stored.

TokBench: Wu et al., arXiv 2505.18142. Means of a bucket, their unweighted mean, and intervals over images follow from
the columns of the images.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vtbench.data.preparing.tokbench_buckets import BUCKETS, Edges, bucket_of
from vtbench.metrics.catalog.lookup import INSTANCE_METRICS
from vtbench.metrics.texts.error_rates import edit_distance

IGNORED = "instances_ignored"
"""Column: instances of an image that are in no bucket."""
UNSCORED = "instances_unscored"
"""Column: instances in a bucket that could not be scored."""


@dataclass(frozen=True)
class Instance:
    """One part of an image: its relative size in [0, 1], and its scores by metric (a NaN: it cannot be scored)."""

    ratio: float
    values: Mapping[str, float]


def count_column(bucket: str) -> str:
    """Column of the number of scored instances in a bucket."""
    return f"instances_{bucket}"


def sum_column(metric: str, bucket: str) -> str:
    """Column of the sum of a metric over the instances in a bucket."""
    return f"{metric}_{bucket}"


def instance_columns(of: str) -> tuple[str, ...]:
    """Every column that an image of ``words`` or ``faces`` yields."""
    sums = (sum_column(metric, bucket) for metric in INSTANCE_METRICS[of] for bucket in BUCKETS)
    return (*map(count_column, BUCKETS), *sums, IGNORED, UNSCORED)


def tally(instances: Sequence[Instance], of: str, edges: Edges) -> dict[str, float]:
    """Counts and sums of one image by column; sums are exact (``math.fsum``) before rounding."""
    metrics = INSTANCE_METRICS[of]
    values: dict[str, list[float]] = {sum_column(m, b): [] for m in metrics for b in BUCKETS}
    counts = dict.fromkeys((*map(count_column, BUCKETS), IGNORED, UNSCORED), 0)
    for instance in instances:
        bucket = bucket_of(instance.ratio, edges)
        if bucket is None:
            counts[IGNORED] += 1
        elif any(math.isnan(instance.values[metric]) for metric in metrics):
            counts[UNSCORED] += 1
        else:
            counts[count_column(bucket)] += 1
            for metric in metrics:
                values[sum_column(metric, bucket)].append(instance.values[metric])
    return {**{name: float(n) for name, n in counts.items()}, **{name: math.fsum(v) for name, v in values.items()}}


def word_scores(read: str, truth: str) -> dict[str, float]:
    """``t_acc`` (1 where the strings are equal) and ``t_ned`` (1 - edits / longer length; two empty strings are equal).

    As in the released evaluation, nothing is normalised: case counts, and so do accents, punctuation and spaces.
    """
    longest = max(len(read), len(truth))
    similarity = 1.0 - edit_distance(read, truth) / longest if longest else 1.0
    return {"t_acc": float(read == truth), "t_ned": similarity}
