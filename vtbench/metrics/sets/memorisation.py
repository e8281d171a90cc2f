"""How near samples lie to the images that a generator was trained on, measured against images that it was not.

Three sets: samples, held-out images of the same distribution, training images. A distance to the nearest training image
says nothing by itself; it is compared with that of a training image to its own nearest (authenticity), or with that of
the held-out images (C_T, copy rate). What is nearer than what is decided by differences in float64, so that copies are
at distance 0: see ``nearest``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from scipy import stats

from vtbench.core.contracts import Estimate, FeatureMoments, Features
from vtbench.core.errors import UsageError
from vtbench.metrics.feature_matrix import Bools, Float64, check_pair, require_rows
from vtbench.metrics.sets.nearest import Nearest, UnitRows, nearest_of, nearest_others
from vtbench.metrics.sets.neighbours import Points
from vtbench.results.records.nearest import NEAREST

PAIRS = 10


class TrainingDistance:
    """Distances of samples to their nearest training images; outputs ``authenticity`` and ``ct_score``.

    Authenticity (Alaa et al. 2022, section 4.3) is the share of samples that are farther from their nearest training
    image than that image is from its own nearest: copies give 0. Samples that are as new as another draw from the
    training distribution do not give 1: one of them is no more than as far as often as two points are each other's
    nearest, so authenticity is 1/3 on a line, 0.379 in a plane, and nears 1/2 as dimensions grow (Pickard 1982). The
    value of the held-out images is in the details, and is what to compare with.

    The C_T score (Meehan et al. 2020, section 3.1, over the whole space) is the z of the Mann-Whitney U of the samples'
    distances against those of the held-out images: far below 0 samples are nearer to the training images than held-out
    ones are (copies), about 0 neither, above 0 they are farther (underfitting). Ties count half; no correction for
    continuity, none of the variance for ties. It grows with the root of the number of images: compare at equal ones.
    ``dgm-eval`` prints another number under this name: a mean over three clusters in 64 principal components.

    The interval of authenticity is Wilson's with both sets of images fixed; a z has none.
    """

    needs_rows: ClassVar[bool] = True
    uses_training: ClassVar[bool] = True

    def __call__(
        self, predictions: Features, references: Features | FeatureMoments, training: Features | FeatureMoments
    ) -> Mapping[str, Estimate]:
        """Samples ``[N,D]``, held-out images ``[M,D]`` and training images ``[T,D]`` to both estimates.

        Raises:
            UsageError: moments where rows are needed, fewer than two training images, or other widths.
        """
        others = require_rows(references)
        of_training = _training(predictions, others, require_rows(training))
        sampled, held = (nearest_of(Points.of(side), of_training) for side in (predictions, others))
        radii = _radii(of_training, sampled, held)
        new = sampled.squares > radii[sampled.indices]
        details = {
            "training_images": len(of_training),
            "held_out_images": len(held.squares),
            NEAREST: nearest_pairs(sampled),
        }
        also = float((held.squares > radii[held.indices]).mean()) if len(held.squares) else math.nan
        return {
            "authenticity": _share(new, {**details, "held_out": also}),
            "ct_score": _ct_score(np.sqrt(sampled.squares), np.sqrt(held.squares), details),
        }


class CopyRate:
    """Share of samples that are more like a training image than all but the likest 0.1 % of held-out images are.

    Likeness is the cosine of the features, or the distance where ``similarity`` says so (of pixels). A held-out image's
    is that to its nearest training image; the threshold is their quantile, the least that so large a share does not
    exceed: of fewer than 1,000 held-out images it is the greatest. The network decides what a copy is: name it with the
    value. Somepalli et al. 2023 take SSCD's features and a fixed threshold of 0.5.

    Args:
        similarity: what likeness is.
        quantile: of the held-out images' likeness, above which is a copy.

    Raises:
        UsageError: a quantile that is none.
    """

    needs_rows: ClassVar[bool] = True
    uses_training: ClassVar[bool] = True

    def __init__(self, similarity: Literal["cosine", "distance"] = "cosine", quantile: float = 0.999) -> None:
        if similarity not in ("cosine", "distance"):
            raise UsageError(f"similarity={similarity!r}", "cosine, or distance")
        if not 0.0 < quantile <= 1.0:
            raise UsageError(f"quantile={quantile}: a share above 0, up to 1")
        self.similarity, self.quantile = similarity, quantile

    def __call__(
        self, predictions: Features, references: Features | FeatureMoments, training: Features | FeatureMoments
    ) -> Mapping[str, Estimate]:
        """Samples ``[N,D]``, held-out images ``[M,D]`` and training images ``[T,D]`` to ``copy_rate``.

        Raises:
            UsageError: moments where rows are needed, other widths, or held-out images of which so many are training
                images that no threshold tells copies.
        """
        samples, others, trained = (self._as_compared(require_rows(s)) for s in (predictions, references, training))
        of_training = _training(samples, others, trained)
        sampled, held = (nearest_of(Points.of(side), of_training) for side in (samples, others))
        threshold = self._threshold(held.squares)
        details = {
            "similarity": self.similarity,
            "quantile": self.quantile,
            "threshold": 1.0 - threshold / 2.0 if self.similarity == "cosine" else math.sqrt(threshold),
            "training_images": len(of_training),
            "held_out_images": len(held.squares),
            "held_out": float((held.squares < threshold).mean()),
            NEAREST: nearest_pairs(sampled),
        }
        return {"copy_rate": _share(sampled.squares < threshold, details)}

    def _as_compared(self, features: Features) -> Features:
        unit: Features = UnitRows(features)
        return unit if self.similarity == "cosine" else features

    def _threshold(self, squares: Float64) -> float:
        """The squared distance that a copy is below."""
        if not len(squares):
            raise UsageError("there are no held-out images to take a threshold from")
        farthest_first = np.sort(squares)[::-1]
        found = float(farthest_first[math.ceil(self.quantile * len(squares)) - 1])
        if found == 0.0:
            same = int((squares == 0.0).sum())
            raise UsageError(
                f"{same} of {len(squares)} held-out images are training images: no threshold tells copies from them",
                "hold out images that the generator was not trained on",
            )
        return found


def nearest_pairs(found: Nearest, most: int = PAIRS) -> list[dict[str, Any]]:
    """The pairs of least distance, the nearest first: row of the sample, row of the training image, distance."""
    order = np.argsort(found.squares, kind="stable")[:most]
    return [
        {"sample": int(row), "training": int(found.indices[row]), "distance": float(np.sqrt(found.squares[row]))}
        for row in order
    ]


def _training(predictions: Features, references: Features, training: Features) -> Points:
    for side in (predictions, references):
        check_pair(side, training)
    if training.shape[0] < 2:
        raise UsageError(f"{training.shape[0]} training images: at least two are needed")
    return Points.of(training)


def _radii(training: Points, *found: Nearest) -> Float64:
    """Squared distance of training images to their own nearest, where they are somebody's nearest; else infinite."""
    rows = np.unique(np.concatenate([each.indices for each in found]))
    radii = np.full(len(training), np.inf)
    radii[rows] = nearest_others(training, rows).squares
    return radii


def _share(hits: Bools, details: Mapping[str, Any]) -> Estimate:
    count, n = int(hits.sum()), len(hits)
    interval = stats.binomtest(count, n).proportion_ci(0.95, method="wilson")
    ends = {"ci_low": float(interval.low), "ci_high": float(interval.high)}
    method = "Wilson, training and held-out images fixed"
    return Estimate(value=count / n, n=n, **ends, ci_method=method, details=details)


def _ct_score(sampled: Float64, held_out: Float64, details: Mapping[str, Any]) -> Estimate:
    n, m = len(sampled), len(held_out)
    if not m:
        raise UsageError("there are no held-out images to compare distances with")
    ranks = stats.rankdata(np.concatenate([sampled, held_out]))
    farther = float(ranks[:n].sum()) - n * (n + 1) / 2
    z = (farther - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    told = {"farther_than_held_out": farther / (n * m), "median_distance": float(np.median(sampled))}
    return Estimate(value=z, n=n, details={**details, **told, "held_out_median_distance": float(np.median(held_out))})
