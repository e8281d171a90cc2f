"""CMMD: the maximum mean discrepancy of CLIP embeddings under a Gaussian kernel."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from scipy import special

from vtbench.core.contracts import Estimate, FeatureMoments, Features
from vtbench.core.errors import UsageError
from vtbench.metrics.feature_matrix import Float64, check_pair, require_rows, take, tile_ranges

_GROUPS = 10


class Cmmd:
    """1000 times the biased (V-statistic) squared MMD with kernel ``exp(-|x - y|² / 2σ²)``, σ = 10 (Jayasumana et al.
    2024, eq. 4 and sec. 4).

    Embeddings are taken as the extractor gives them: CLIP's, scaled to length 1. The interval is a grouped jackknife
    over interleaved groups of predictions (t with K - 1 degrees of freedom), references held fixed. Kernel sums are
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
        own = self._kernel_sums(predictions, predictions, groups, groups)
        across = self._kernel_sums(predictions, references, groups, 1)
        fixed = float(self._kernel_sums(references, references, 1, 1).sum()) / m**2

        def value(kept: Float64) -> float:
            """With the groups that ``kept`` weighs 1, the others 0."""
            size = float(kept @ np.bincount(np.arange(n) % groups, minlength=groups))
            inner, outer = float(kept @ own @ kept), float((kept @ across).sum())
            return self.scale * (inner / size**2 + fixed - 2.0 * outer / (size * m))

        whole = value(np.ones(groups))
        left_out = np.array([value(np.arange(groups) != group) for group in range(groups)])
        variance = (groups - 1) / groups * float(np.square(left_out - left_out.mean()).sum())
        half = float(special.stdtrit(groups - 1, 0.975)) * math.sqrt(variance)
        return {
            "cmmd": Estimate(
                value=whole,
                n=n,
                ci_low=max(0.0, whole - half),
                ci_high=whole + half,
                ci_method=f"grouped jackknife, {groups} interleaved groups of predictions, t interval",
                details={"n_predictions": n, "n_references": m, "sigma": self.sigma, "scale": self.scale},
            )
        }

    def _kernel_sums(self, left: Features, right: Features, left_groups: int, right_groups: int) -> Float64:
        """``[left_groups,right_groups]``: the kernel summed over all pairs, by the interleaved groups of both."""
        sums = np.zeros((left_groups, right_groups))
        for rows in tile_ranges(left.shape[0]):
            x, of_rows = take(left, rows), _membership(rows, left_groups)
            for columns in tile_ranges(right.shape[0]):
                tile = _gaussian_kernel(x, take(right, columns), self.sigma)
                sums += of_rows.T @ tile @ _membership(columns, right_groups)
        return sums


def _membership(indices: range, groups: int) -> Float64:
    """``[len(indices),groups]``: 1 where an index belongs to a group."""
    belongs = np.arange(indices.start, indices.stop)[:, None] % groups == np.arange(groups)
    return np.where(belongs, 1.0, 0.0)


def _gaussian_kernel(x: Float64, y: Float64, sigma: float) -> Float64:
    squared = np.square(x).sum(axis=1)[:, None] + np.square(y).sum(axis=1)[None, :] - 2.0 * (x @ y.T)
    kernel: Float64 = np.exp(np.maximum(squared, 0.0) / (-2.0 * sigma**2))
    return kernel
