"""MIND: how far two sets of features lie apart along random lines, where transport is a matter of sorting."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from vtbench.core.contracts import Estimate, FeatureMoments, Features
from vtbench.core.errors import UsageError
from vtbench.metrics.feature_matrix import Float64, Ints, check_pair, require_rows, take
from vtbench.metrics.sets.jackknife import jackknife_groups, jackknife_interval

_LINES_AT_ONCE = 128
_ROWS_AT_ONCE = 1024
_GROUPS = 10


class Mind:
    """Monge Inception Distance (Berthet et al. 2026, arXiv 2605.06797); output ``mind``.

    Both sets are projected on random directions, and along each the squared 2-Wasserstein distance is the mean squared
    difference of the sorted projections; MIND is the mean over directions times 3 D, D the number of features. A set
    that is shifted by δ is at 3 |δ|². Sets of two sizes are brought to the smaller by a seeded draw, as by the
    function of torch-fidelity (``toshas/torch-fidelity``, metric_mind).

    The interval is a grouped jackknife with the directions fixed: sample i belongs to group ``i mod 10``, and each
    group is left out of both sets at once. What another draw of directions would move is in the details.

    Args:
        projections: directions.
        seed: of directions, and of the draw.

    Raises:
        UsageError: no directions, or no images.
    """

    needs_rows: ClassVar[bool] = True

    def __init__(self, projections: int = 1000, seed: int = 0) -> None:
        if projections < 2:
            raise UsageError(f"projections={projections}: at least 2 are needed")
        self.projections, self.seed = projections, seed

    def __call__(self, predictions: Features, references: Features | FeatureMoments) -> Mapping[str, Estimate]:
        """``[N,D]`` and ``[M,D]`` to ``{"mind": …}``; 0 for equal sets."""
        references = require_rows(references)
        check_pair(predictions, references)
        n, width = min(predictions.shape[0], references.shape[0]), predictions.shape[1]
        if n == 0:
            raise UsageError("a set holds no images")
        draw = np.random.default_rng(self.seed)
        sides = [(side, _drawn(side.shape[0], n, draw)) for side in (predictions, references)]
        groups = _GROUPS if n >= 2 * _GROUPS else 0
        found = [
            _along([_projected(side, rows, lines) for side, rows in sides], groups)
            for lines in self._lines(width, draw)
        ]
        whole = 3 * width * np.concatenate([each for each, _ in found])
        value, details = float(whole.mean()), self._details(n, width, sides, whole)
        if not groups:
            return {"mind": Estimate(value=value, n=predictions.shape[0], details=details)}
        left_out = 3 * width * np.concatenate([each for _, each in found], axis=1).mean(axis=1)
        low, high = jackknife_interval(value, left_out.tolist())
        method = f"grouped jackknife, {groups} balanced groups of both sets, directions fixed, 95%"
        ends = {"ci_low": low, "ci_high": high}
        return {"mind": Estimate(value=value, n=predictions.shape[0], **ends, ci_method=method, details=details)}

    def _lines(self, width: int, draw: np.random.Generator) -> Iterator[Float64]:
        """Unit vectors ``[k,D]``, some at a time."""
        for start in range(0, self.projections, _LINES_AT_ONCE):
            lines = draw.standard_normal((min(_LINES_AT_ONCE, self.projections - start), width))
            yield lines / np.sqrt(np.square(lines).sum(axis=1, keepdims=True))

    def _details(self, n: int, width: int, sides: Any, values: Float64) -> dict[str, Any]:
        spread = float(values.std(ddof=1)) / math.sqrt(len(values))
        sizes = {name: side.shape[0] for name, (side, _) in zip(("n_predictions", "n_references"), sides, strict=True)}
        return {**sizes, "n_compared": n, "width": width, "projections": len(values), "projections_error": spread}


def _drawn(count: int, n: int, draw: np.random.Generator) -> Ints:
    """``n`` rows of ``count``, in order."""
    return np.arange(n) if count == n else np.sort(draw.permutation(count)[:n])


def _projected(features: Features, rows: Ints, lines: Float64) -> Float64:
    """``[k,n]``: rows along lines."""
    found = np.empty((len(lines), len(rows)))
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        chosen = rows[start : start + _ROWS_AT_ONCE]
        found[:, start : start + len(chosen)] = lines @ take(features, chosen.tolist()).T
    return found


def _along(sides: Sequence[Float64], groups: int) -> tuple[Float64, Float64]:
    """Squared transport of two sets along each line ``[k]``, and without each group ``[groups,k]``."""
    orders = [side.argsort(axis=1, kind="stable") for side in sides]
    ranked = [np.take_along_axis(side, order, axis=1) for side, order in zip(sides, orders, strict=True)]
    whole: Float64 = np.square(ranked[0] - ranked[1]).mean(axis=1)
    without = np.empty((groups, len(whole)))
    member = jackknife_groups(sides[0].shape[1], max(1, groups))
    for group in range(groups):
        # what is left of sorted values is sorted, and as many in every line
        kept = [member[order] != group for order in orders]
        left = [side[stays].reshape(len(side), -1) for side, stays in zip(ranked, kept, strict=True)]
        without[group] = np.square(left[0] - left[1]).mean(axis=1)
    return whole, without
