"""TokBench's size buckets and its macro average (Wu et al. 2025, arXiv 2505.18142).

An instance (a word, a face) has a size relative to its image, ``ratio``. At each working resolution three half-open
ranges of it are told apart; the final score is the unweighted mean of the three bucket means.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vtbench.core.errors import UsageError

BUCKETS = ("small", "medium", "large")
Edges = tuple[float, float, float, float]

TEXT_EDGES: Mapping[int, Edges] = {
    256: (0.02, 0.03, 0.04, 1.0),
    512: (0.01, 0.02, 0.03, 1.0),
    1024: (0.005, 0.01, 0.02, 1.0),
}
FACE_EDGES: Mapping[int, Edges] = {
    256: (0.1, 0.2, 0.3, 1.0),
    512: (0.05, 0.1, 0.2, 1.0),
    1024: (0.02, 0.05, 0.1, 1.0),
}
"""Those of the final release; the first commit of the scripts had others."""


@dataclass(frozen=True)
class BucketMeans:
    """Means by size.

    Attributes:
        means: of the small, medium and large bucket; NaN for an empty one.
        counts: instances in each.
        ignored: instances in no bucket, nearly all below the smallest.
    """

    means: tuple[float, float, float]
    counts: tuple[int, int, int]
    ignored: int

    @property
    def mean(self) -> float:
        """The unweighted mean of the three; NaN where one is empty, since it would be another quantity."""
        return math.fsum(self.means) / len(self.means)


def text_bucket(ratio: float, size: int) -> str | None:
    """The bucket of a word at a resolution of 256, 512 or 1024, or ``None``: it does not count there.

    Raises:
        UsageError: no such resolution.
    """
    return bucket_of(ratio, text_edges(size))


def face_bucket(ratio: float, size: int) -> str | None:
    """The bucket of a face at a resolution of 256, 512 or 1024, or ``None``: it does not count there.

    Raises:
        UsageError: no such resolution.
    """
    return bucket_of(ratio, face_edges(size))


def text_edges(size: int) -> Edges:
    """Bucket edges for words at a resolution.

    Raises:
        UsageError: no such resolution.
    """
    return _edges(TEXT_EDGES, size)


def face_edges(size: int) -> Edges:
    """Bucket edges for faces at a resolution.

    Raises:
        UsageError: no such resolution.
    """
    return _edges(FACE_EDGES, size)


def bucket_means(values: Sequence[float], ratios: Sequence[float], edges: Edges) -> BucketMeans:
    """Mean value in each bucket, sums in float64 and exact.

    Args:
        values: one score an instance; a NaN makes its bucket NaN.
        ratios: the instances' relative sizes.
        edges: from :func:`text_edges` or :func:`face_edges`.

    Raises:
        ValueError: not as many ratios as values.
    """
    members: tuple[list[float], list[float], list[float]] = ([], [], [])
    ignored = 0
    for value, ratio in zip(values, ratios, strict=True):
        index = _index(ratio, edges)
        if index is None:
            ignored += 1
        else:
            members[index].append(value)
    small, medium, large = (math.fsum(bucket) / len(bucket) if bucket else math.nan for bucket in members)
    a, b, c = map(len, members)
    return BucketMeans((small, medium, large), (a, b, c), ignored)


def _index(ratio: float, edges: Edges) -> int | None:
    return next((i for i, (low, high) in enumerate(itertools.pairwise(edges)) if low <= ratio < high), None)


def bucket_of(ratio: float, edges: Edges) -> str | None:
    """The bucket of a relative size between these edges, or ``None``."""
    index = _index(ratio, edges)
    return None if index is None else BUCKETS[index]


def _edges(table: Mapping[int, Edges], size: int) -> Edges:
    if size not in table:
        known = ", ".join(map(str, table))
        raise UsageError(f"TokBench has no size buckets for {size} pixels", f"resolutions: {known}")
    return table[size]
