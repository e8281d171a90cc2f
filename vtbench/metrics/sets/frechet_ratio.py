"""FDr: a Fréchet distance as a multiple of that of held-out real images, which makes networks comparable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from vtbench.core.contracts import Estimate, FeatureMoments, Features
from vtbench.core.errors import UsageError
from vtbench.metrics.feature_matrix import has_rows, require_rows
from vtbench.metrics.sets.frechet import FrechetDistance, moments_of_rows


class FrechetRatio:
    """FD(samples, training images) over FD(held-out images, training images); output ``fdr``.

    Yang et al. 2026 (arXiv 2604.28190; ``Jiawei-Yang/FD-loss@5c03b81``, ``FDR_VALIDATION_FD``): there training images
    are ImageNet's, by their statistics, and held-out ones its 50,000 validation images. Held-out images themselves have
    1, and samples may have less: a generator may know the training set better than they do. Both distances have their
    bias, so the two sets should be of one size.

    The interval is that of the samples' distance over the other distance, which is held fixed, and so are the training
    images where there are more of them than features.

    Args:
        min_samples: fewest samples and held-out images; see :class:`FrechetDistance`.
    """

    uses_training: ClassVar[bool] = True

    def __init__(self, min_samples: int = 0) -> None:
        self._of_samples = FrechetDistance(min_samples=min_samples)
        self._of_held_out = FrechetDistance(jackknife=0, min_samples=min_samples)

    def __call__(
        self, predictions: Features, references: Features | FeatureMoments, training: Features | FeatureMoments
    ) -> Mapping[str, Estimate]:
        """Samples ``[N,D]``, held-out images ``[M,D]`` and training images ``[T,D]`` (or moments) to ``{"fdr": …}``.

        Raises:
            UsageError: a set too small, held-out images by their moments alone, or at no distance.
        """
        whole = training
        if has_rows(training) and training.shape[0] > training.shape[1]:
            whole = moments_of_rows(training, range(training.shape[0]))
        held_out = require_rows(references)
        own = self._of_held_out(held_out, whole)["fd"].value
        if own <= 0.0:
            raise UsageError(
                "held-out images are at no distance from training images", "they are the same: hold others out"
            )
        found = self._of_samples(predictions, whole)["fd"]
        low, high = (None if end is None else end / own for end in (found.ci_low, found.ci_high))
        details = {**found.details, "fd": found.value, "held_out_fd": own, "held_out_images": held_out.shape[0]}
        return {"fdr": replace(found, value=found.value / own, ci_low=low, ci_high=high, details=details)}
