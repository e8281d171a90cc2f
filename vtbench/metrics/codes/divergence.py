"""How far the codes that a generator samples are from those of real images."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Counts = Mapping[str, NDArray[np.int64]]


def jensen_shannon(sampled: Counts, real: Counts) -> tuple[float, int]:
    """Jensen–Shannon divergence of two code histograms in bits, between 0 and 1 (Lin 1991, eq. 4.1, equal weights).

    Of several levels the mean, weighted by the sampled tokens; of codes too many to enumerate the mean over bits. It
    is above 0 for two samples of one distribution too, the more the fewer tokens there are.

    Args:
        sampled: sparse counts, as :func:`vtbench.metrics.codes.usage.count_codes` gives them.
        real: likewise.

    Returns:
        The divergence (NaN without codes) and the number of sampled tokens.
    """
    values, weights = [], []
    for stem in _stems(sampled):
        parts = _divergences(stem, sampled, real)
        values.append(math.fsum(parts) / len(parts))
        weights.append(_tokens(stem, sampled))
    total = sum(weights)
    if not total:
        return math.nan, 0
    return math.fsum(value * weight for value, weight in zip(values, weights, strict=True)) / total, total


def _stems(counts: Counts) -> list[str]:
    return sorted({name.partition(".")[0] for name in counts})


def _tokens(stem: str, counts: Counts) -> int:
    if f"{stem}.counts" in counts:
        return int(counts[f"{stem}.counts"].sum())
    return int(counts[f"{stem}.tokens"][0])


def _divergences(stem: str, sampled: Counts, real: Counts) -> list[float]:
    """One value for an enumerable level, one a bit otherwise."""
    if f"{stem}.counts" in sampled:
        return [_of_histograms(_histogram(stem, sampled), _histogram(stem, real))]
    found = []
    for ones, others in zip(sampled[f"{stem}.ones"].tolist(), real[f"{stem}.ones"].tolist(), strict=True):
        totals = [int(counts[f"{stem}.tokens"][0]) for counts in (sampled, real)]
        found.append(_of_histograms({0: totals[0] - ones, 1: ones}, {0: totals[1] - others, 1: others}))
    return found


def _histogram(stem: str, counts: Counts) -> dict[int, int]:
    return dict(zip(counts[f"{stem}.values"].tolist(), counts[f"{stem}.counts"].tolist(), strict=True))


def _of_histograms(first: Mapping[int, int], second: Mapping[int, int]) -> float:
    totals = sum(first.values()), sum(second.values())
    keys = sorted({*first, *second})
    p, q = (
        np.array([counts.get(key, 0) / total for key in keys])
        for counts, total in zip((first, second), totals, strict=True)
    )
    mixture = (p + q) / 2
    return max(0.0, _entropy(mixture) - (_entropy(p) + _entropy(q)) / 2)


def _entropy(shares: NDArray[np.float64]) -> float:
    seen = shares[shares > 0]
    return -math.fsum((seen * np.log2(seen)).tolist())
