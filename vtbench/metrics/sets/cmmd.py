"""CMMD: the maximum mean discrepancy of CLIP embeddings under a Gaussian kernel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from vtbench.core.contracts import Estimate, FeatureMoments, Features
from vtbench.core.errors import UsageError
from vtbench.metrics.feature_matrix import Float64, check_pair, require_rows, take, tile_ranges
from vtbench.metrics.sets.jackknife import jackknife_groups, jackknife_interval, jackknife_method

_GROUPS = 10


class Cmmd:
    """1000 times the biased (V-statistic) squared MMD with kernel ``exp(-|x - y|² / 2σ²)``, σ = 10 (Jayasumana et al.
    2024, eq. 4 and sec. 4).

    Embeddings are taken as the extractor gives them: CLIP's, scaled to length 1. The interval is a grouped jackknife
    over balanced groups of predictions (t with K - 1 degrees of freedom), references held fixed. Kernel sums are
    taken tile by tile, in memory that does not grow with N.

    Args:
        sigma: width of the kernel.
        scale: what the value is multiplied by.

    Raises:
        UsageError: sigma is not positive, fewer than two images in a set, or sets of unequal width.
    """

    needs_rows: ClassVar[bool] = True

    def __init__(self, sigma: float = 10.0, scale: float = 1000.0) -> None:
        if sigma <= 0:
            raise UsageError(f"sigma={sigma}: must be above 0")
        self.sigma, self.scale = sigma, scale

    def __call__(self, predictions: Features, references: Features | FeatureMoments) -> Mapping[str, Estimate]:
        """``[N,D]`` and ``[M,D]`` to ``{"cmmd": …}``; 0 for equal sets."""
        references = require_rows(references)
        check_pair(predictions, references)
        n, m = predictions.shape[0], references.shape[0]
        if min(n, m) < 2:
            raise UsageError(f"cmmd needs at least 2 images in each set, there are {n} and {m}")
        groups = min(_GROUPS, n)
        member, one = np.eye(groups)[jackknife_groups(n, groups)], np.ones((m, 1))
        own = self._kernel_sums(predictions, predictions, member, member)
        across = self._kernel_sums(predictions, references, member, one)
        fixed = float(self._kernel_sums(references, references, one, one).sum()) / m**2

        def value(kept: Float64) -> float:
            """With the groups that ``kept`` weighs 1, the others 0."""
            size = float(kept @ member.sum(axis=0))
            inner, outer = float(kept @ own @ kept), float((kept @ across).sum())
            return self.scale * (inner / size**2 + fixed - 2.0 * outer / (size * m))

        whole = value(np.ones(groups))
        left_out = np.array([value(np.arange(groups) != group) for group in range(groups)])
        low, high = jackknife_interval(whole, left_out.tolist())
        return {
            "cmmd": Estimate(
                value=whole,
                n=n,
                ci_low=low,
                ci_high=high,
                ci_method=jackknife_method(groups, of=" of predictions"),
                details={"n_predictions": n, "n_references": m, "sigma": self.sigma, "scale": self.scale},
            )
        }

    def _kernel_sums(self, left: Features, right: Features, of_left: Float64, of_right: Float64) -> Float64:
        """``[K,L]``: the kernel summed over all pairs, by the groups of both, 1 where a sample is in one."""
        sums = np.zeros((of_left.shape[1], of_right.shape[1]))
        for rows in tile_ranges(left.shape[0]):
            x, of_rows = take(left, rows), of_left[rows.start : rows.stop]
            for columns in tile_ranges(right.shape[0]):
                tile = _gaussian_kernel(x, take(right, columns), self.sigma)
                sums += of_rows.T @ tile @ of_right[columns.start : columns.stop]
        return sums


def _gaussian_kernel(x: Float64, y: Float64, sigma: float) -> Float64:
    squared = np.square(x).sum(axis=1)[:, None] + np.square(y).sum(axis=1)[None, :] - 2.0 * (x @ y.T)
    kernel: Float64 = np.exp(np.maximum(squared, 0.0) / (-2.0 * sigma**2))
    return kernel
