"""Inception score: how confident and how varied a classifier's answers on the predictions are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from scipy import special

from vtbench.core.contracts import Estimate, FeatureMoments, Features
from vtbench.core.errors import UsageError
from vtbench.metrics.feature_matrix import Float64, take

_CHUNK_ROWS = 2048


@dataclass(frozen=True, eq=False)
class _ClassSums:
    """Sums over images of p log p (over classes too) and of p ``[C]``."""

    n: int
    negative_entropy: float
    probability: Float64

    @classmethod
    def of(cls, logits: Float64) -> _ClassSums:
        log_p = special.log_softmax(logits, axis=1)
        p = np.exp(log_p)
        return cls(len(p), float((p * log_p).sum()), p.sum(axis=0))

    def __add__(self, other: _ClassSums) -> _ClassSums:
        return _ClassSums(
            self.n + other.n, self.negative_entropy + other.negative_entropy, self.probability + other.probability
        )

    @property
    def score(self) -> float:
        """exp of the mean divergence of p(y|x) from p(y) = exp(mean of Σ p log p - Σ q log q), q the mean of p."""
        marginal = self.probability / self.n
        return math.exp(self.negative_entropy / self.n - float(special.xlogy(marginal, marginal).sum()))


class InceptionScore:
    """Inception score of the predictions (Salimans et al. 2016, sec. 4); outputs ``is_mean`` and ``is_std``.

    ``exp(E KL(p(y|x) || p(y)))`` within each of ``splits`` contiguous parts of the (shuffled) set, then the mean and
    the standard deviation (divisor: the number of splits) over the parts. References are ignored. The interval of the
    mean is a t interval over the disjoint parts: it belongs to the score of N / splits images, whose bias it shares.
    ``details["global"]`` is the score of the whole set as one part.

    Args:
        splits: number of parts.
        seed: of NumPy's RandomState, whose permutation shuffles the images (as torch-fidelity does).
        shuffle: false keeps the order of the data set.

    Raises:
        UsageError: fewer images than splits.
        VtbenchError: a logit is NaN or infinite.
    """

    uses_references: ClassVar[bool] = False

    def __init__(self, splits: int = 10, seed: int = 2020, shuffle: bool = True) -> None:
        if splits < 1:
            raise UsageError(f"splits={splits}: at least one is needed")
        self.splits, self.seed, self.shuffle = splits, seed, shuffle

    def __call__(self, predictions: Features, references: Features | FeatureMoments) -> Mapping[str, Estimate]:
        """Logits ``[N,C]`` to ``{"is_mean": …, "is_std": …}``, between 1 and C."""
        n, classes = predictions.shape
        if n < self.splits:
            raise UsageError(
                f"{self.splits} splits need at least as many images, there are {n}",
                "set the metric's parameter splits to a smaller number",
            )
        order = np.random.RandomState(self.seed).permutation(n).tolist() if self.shuffle else range(n)
        bounds = [split * n // self.splits for split in range(self.splits + 1)]
        parts = [_sums(predictions, order[a:b]) for a, b in pairwise(bounds)]
        scores = np.array([part.score for part in parts])
        whole = sum(parts[1:], start=parts[0]).score
        details = {
            "n_predictions": n,
            "classes": classes,
            "splits": self.splits,
            "seed": self.seed if self.shuffle else None,
            "shuffle": self.shuffle,
            "global": whole,
        }
        return _estimates(scores, n, details)


def _sums(logits: Features, indices: Sequence[int]) -> _ClassSums:
    found: _ClassSums | None = None
    for start in range(0, len(indices), _CHUNK_ROWS):
        part = _ClassSums.of(take(logits, indices[start : start + _CHUNK_ROWS]))
        found = part if found is None else found + part
    assert found is not None
    return found


def _estimates(scores: Float64, n: int, details: Mapping[str, Any]) -> dict[str, Estimate]:
    mean, splits = float(scores.mean()), len(scores)
    low, high, method = None, None, "none: one split"
    if splits > 1:
        half = float(special.stdtrit(splits - 1, 0.975)) * float(scores.std(ddof=1)) / math.sqrt(splits)
        low, high, method = max(1.0, mean - half), mean + half, f"t interval over {splits} disjoint splits"
    return {
        "is_mean": Estimate(value=mean, n=n, ci_low=low, ci_high=high, ci_method=method, details=details),
        "is_std": Estimate(value=float(scores.std()), n=n, details=details),
    }
