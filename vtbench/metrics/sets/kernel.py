"""Kernel distance: unbiased squared MMD with a polynomial kernel, averaged over random subsets (KID)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from vtbench.core.contracts import Estimate, FeatureMoments, Features
from vtbench.core.errors import UsageError
from vtbench.metrics.feature_matrix import Float64, check_pair, require_rows, take, tile_ranges

Draw = Literal["pcg64", "torch-fidelity"]


class KernelDistance:
    """Squared MMD of predictions to references (Bińkowski et al. 2018, sec. 4); output ``kid``, unbiased, may be < 0.

    The kernel is ``(gamma x·y + coef0)^degree`` with ``gamma = 1/D`` unless given. The value is the mean of the
    unbiased estimator over subsets drawn without replacement from each set.

    The interval is normal. Its variance is that of a delete-d jackknife (Shao and Wu 1989: the spread over subsets
    times ``m / (N - m)``, for subsets of m out of N) plus the Monte-Carlo error of the subsets drawn; the plain
    standard error of overlapping subsets would be too small, their standard deviation belongs to m images rather than
    N. Unpaired subsets treat the two sets as independent, which is conservative for reconstructions. There is no
    interval where the subset is the whole of the smaller set.

    Unbiased means unbiased for *independent* sets. A reconstruction resembles its own reference, and those pairs lower
    the value by the order of 1/N, whatever the subset size: the identity scores below zero. ``paired`` draws the same
    images from both sets and leaves each image's own pair out (Gretton et al. 2012, eq. 4), which is unbiased for
    reconstructions too, and exactly zero for equal sets.

    Args:
        subset_size: images m drawn from each set for one estimate.
        subsets: number of estimates.
        seed: of the generator that draws the subsets.
        degree, gamma, coef0: of the kernel.
        draw: ``pcg64`` (NumPy's Generator) or ``torch-fidelity`` (its RandomState and order of draws, so that the
            same seed names the same subsets).
        paired: row i of both sets belongs to the same image.

    Raises:
        UsageError: fewer images than ``subset_size``, sets of unequal width (or number, if ``paired``), or a parameter
            out of range.
    """

    needs_rows: ClassVar[bool] = True

    def __init__(
        self,
        subset_size: int = 1000,
        subsets: int = 100,
        seed: int = 0,
        degree: int = 3,
        gamma: float | None = None,
        coef0: float = 1.0,
        draw: Draw = "pcg64",
        paired: bool = False,
    ) -> None:
        if subset_size < 2 or subsets < 1:
            raise UsageError(f"subset_size={subset_size}, subsets={subsets}: at least 2 images and 1 subset are needed")
        if draw not in ("pcg64", "torch-fidelity"):
            raise UsageError(f"draw={draw!r} is not a way to draw subsets", "give pcg64 or torch-fidelity")
        self.subset_size, self.subsets, self.seed = subset_size, subsets, seed
        self.degree, self.gamma, self.coef0, self.draw, self.paired = degree, gamma, coef0, draw, paired

    def __call__(self, predictions: Features, references: Features | FeatureMoments) -> Mapping[str, Estimate]:
        """``[N,D]`` and ``[M,D]`` to ``{"kid": …}``."""
        references = require_rows(references)
        check_pair(predictions, references)
        n, m = predictions.shape[0], references.shape[0]
        if min(n, m) < self.subset_size:
            raise UsageError(
                f"subset_size={self.subset_size} is more than the {n} predictions or the {m} references",
                f"set the metric's parameter subset_size to at most {min(n, m)}",
            )
        if self.paired and n != m:
            raise UsageError(
                f"paired=true needs as many predictions as references, there are {n} and {m}",
                "drop the parameter paired for sets that are not reconstructions of each other",
            )
        values = self._estimates(predictions, references)
        low, high, method = self._interval(values, min(n, m))
        return {
            "kid": Estimate(
                value=float(values.mean()),
                n=n,
                ci_low=low,
                ci_high=high,
                ci_method=method,
                details=self._details(n, m, float(values.std())),
            )
        }

    def _estimates(self, predictions: Features, references: Features) -> Float64:
        """One unbiased estimate a subset, ``float64 [subsets]``."""
        n, m = predictions.shape[0], references.shape[0]
        drawn = list(draw_subsets(n, m, self.subset_size, self.subsets, self.seed, self.draw, self.paired))
        # Whichever needs fewer kernel values: all pairs once, or the pairs of every subset.
        if n * n + m * m + n * m <= 3 * self.subsets * self.subset_size**2:
            first, second = _membership([i for i, _ in drawn], n), _membership([j for _, j in drawn], m)
            within = self._sums(predictions, predictions, first, first, hollow=True)
            other = self._sums(references, references, second, second, hollow=True)
            across = self._sums(predictions, references, first, second, hollow=self.paired)
        else:
            each = np.array([self._subset_sums(take(predictions, i), take(references, j)) for i, j in drawn])
            within, other, across = each.T
        pairs = self.subset_size * (self.subset_size - 1)
        return (within + other) / pairs - 2.0 * across / (pairs if self.paired else self.subset_size**2)

    def _kernel(self, x: Float64, y: Float64) -> Float64:
        gamma = 1.0 / x.shape[1] if self.gamma is None else self.gamma
        values: Float64 = x @ y.T
        values *= gamma
        values += self.coef0
        # Repeated products: the general power of NumPy is ten times slower than the matrix product before it.
        return math.prod([values] * (self.degree - 1), start=values) if self.degree > 1 else values**self.degree

    def _subset_sums(self, x: Float64, y: Float64) -> tuple[float, float, float]:
        """Sums of kernel values within ``x``, within ``y`` (without the diagonal) and across (without it if paired)."""
        within, other, across = self._kernel(x, x), self._kernel(y, y), self._kernel(x, y)
        for values in (within, other, across) if self.paired else (within, other):
            np.fill_diagonal(values, 0.0)
        return float(within.sum()), float(other.sum()), float(across.sum())

    def _sums(self, left: Features, right: Features, in_left: Float64, in_right: Float64, hollow: bool) -> Float64:
        """For every subset, the sum of the kernel over its pairs, ``float64 [subsets]``, from tiles of all pairs.

        ``in_left [subsets,N]`` and ``in_right [subsets,M]`` hold 1 where a subset has the sample; ``hollow`` leaves out
        the diagonal.
        """
        total = np.zeros(len(in_left))
        columns = tile_ranges(right.shape[0])
        for rows in tile_ranges(left.shape[0]):
            x, member = take(left, rows), in_left[:, rows.start : rows.stop]
            for column in columns:
                values = self._kernel(x, take(right, column))
                if hollow and rows == column:
                    np.fill_diagonal(values, 0.0)
                total += ((member @ values) * in_right[:, column.start : column.stop]).sum(axis=1)
        return total

    def _interval(self, values: Float64, n: int) -> tuple[float | None, float | None, str]:
        size, count = self.subset_size, self.subsets
        if n <= size or count < 2:
            return None, None, "none: one subset, or subsets as large as the smaller set"
        half = 1.959963984540054 * float(values.std(ddof=1)) * math.sqrt(size / (n - size) + 1.0 / count)
        value = float(values.mean())
        return value - half, value + half, f"delete-d jackknife over {count} subsets of {size}, normal interval"

    def _details(self, n: int, m: int, spread: float) -> dict[str, Any]:
        return {
            "n_predictions": n,
            "n_references": m,
            "std": spread,
            "subset_size": self.subset_size,
            "subsets": self.subsets,
            "seed": self.seed,
            "degree": self.degree,
            "gamma": "1/D" if self.gamma is None else self.gamma,
            "coef0": self.coef0,
            "draw": self.draw,
            "paired": self.paired,
        }


def draw_subsets(
    n: int, m: int, size: int, subsets: int, seed: int, draw: Draw, paired: bool = False
) -> Iterator[tuple[list[int], list[int]]]:
    """Pairs of ``size`` indices without replacement: the first of ``range(n)``, the second of ``range(m)``.

    ``paired`` gives the first twice; ``m`` must then be ``n``.
    """
    generator = np.random.default_rng(seed) if draw == "pcg64" else np.random.RandomState(seed)
    for _ in range(subsets):
        first = generator.choice(n, size, replace=False).tolist()
        yield first, first if paired else generator.choice(m, size, replace=False).tolist()


def _membership(subsets: Sequence[Sequence[int]], n: int) -> Float64:
    """``float64 [subsets,n]``: 1 where a subset holds the sample."""
    table = np.zeros((len(subsets), n))
    for row, indices in zip(table, subsets, strict=True):
        row[indices] = 1.0
    return table
