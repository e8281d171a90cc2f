"""Confusion of labels, and the intersection over union that follows from it over a whole set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Labels = NDArray[np.int64]


def confusion(prediction: Labels, reference: Labels, classes: int, ignore: int) -> Counts:
    """``int64 [C,C+1]``: pixels by their class in the reference and in the prediction.

    Pixels whose reference is ``ignore`` do not count. A prediction of ``ignore`` elsewhere is a mistake, in
    the last column.
    """
    counted = reference != ignore
    guess = np.where(prediction == ignore, classes, prediction)[counted]
    cells = reference[counted] * (classes + 1) + guess
    return np.bincount(cells, minlength=classes * (classes + 1)).reshape(classes, classes + 1)


def intersection_over_union(counts: NDArray[np.float64] | Counts) -> NDArray[np.float64]:
    """``[…,C,C+1]`` to ``float64 [...,C]``: a class's correct pixels over those that either side gives it; NaN where
    neither does."""
    hits = np.diagonal(counts[..., :-1], axis1=-2, axis2=-1).astype(np.float64)
    union = counts.sum(-1) + counts[..., :-1].sum(-2) - hits
    with np.errstate(invalid="ignore", divide="ignore"):
        found: NDArray[np.float64] = np.where(union > 0, hits / union, np.nan)
    return found


def mean_iou(counts: NDArray[np.float64] | Counts, classes: Sequence[int] | None = None) -> NDArray[np.float64]:
    """Per cent: the mean over classes that are there, of those named where some are; NaN where none is."""
    each = intersection_over_union(counts)
    each = each if classes is None else each[..., list(classes)]
    there = ~np.isnan(each)
    total, count = np.where(there, each, 0.0).sum(-1), there.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: NDArray[np.float64] = np.where(count > 0, 100.0 * total / count, np.nan)
    return found
