"""Metrics of whole sets of images: a network's features are kept, and compared when asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from vtbench.api.caller import left_as_it_was
from vtbench.api.scores.base import Score, as_pixels
from vtbench.core.contracts import Estimate
from vtbench.core.errors import UsageError
from vtbench.core.threads.blas import blas_on_one_thread
from vtbench.core.threads.steady import one_thread_unless_own
from vtbench.metrics.feature_matrix import ArrayFeatures
from vtbench.run.measuring.evaluators import made_extractor, set_jobs

_SIDES = ("predictions", "references")


class SetScore(Score):
    """One estimator on one feature of one network. Sets may differ in size; their images, from call to call, too."""

    def _make(self) -> None:
        (self._job,) = set_jobs([self._request], self._small_sets)
        self._extractor: Any = made_extractor(self._job.extractor)
        self.reset()

    def reset(self) -> None:
        """Forget the features of both sets."""
        self._features: dict[str, list[np.ndarray[Any, Any]]] = {side: [] for side in _SIDES}

    def __call__(self, *given: Any) -> Estimate:
        """One value of two sets (of the predictions alone, where the metric looks at nothing else)."""
        return self._estimate({side: [self._of(images, side)] for side, images in self._sides(given).items()})

    def update(self, predictions: Any = None, references: Any = None) -> None:
        """Keep the features of more images of either set, or of both."""
        if predictions is None and references is None:
            raise UsageError(f"{self.info.name} was given no images", "update(predictions, references)")
        for side, images in zip(_SIDES, (predictions, references), strict=True):
            if images is not None:
                self._features[side].append(self._of(images, side))

    def compute(self) -> Estimate:
        """See :meth:`Score.compute`."""
        return self._estimate(self._features)

    @property
    def _alone(self) -> bool:
        """Whether it looks at the predictions only."""
        return not getattr(self._job.estimator, "uses_references", True)

    def _sides(self, given: tuple[Any, ...]) -> dict[str, Any]:
        if len(given) not in ((1, 2) if self._alone else (2,)):
            raise UsageError(
                f"{self.info.name} compares two sets, {len(given)} were given", "metric(predictions, references)"
            )
        return dict(zip(_SIDES, given, strict=False))

    def _of(self, images: Any, side: str) -> np.ndarray[Any, Any]:
        with left_as_it_was(), torch.inference_mode():
            pixels = as_pixels(images, side)
            self._extractor = self._placed(self._extractor, pixels)
            features: np.ndarray[Any, Any] = self._extractor(pixels)[self._job.feature].cpu().numpy()
        return features

    def _estimate(self, features: dict[str, list[np.ndarray[Any, Any]]]) -> Estimate:
        lacking = [side for side in _SIDES if not features.get(side)]
        if lacking and not (self._alone and lacking == ["references"]):
            raise UsageError(
                f"{self.info.name} was given no {' and no '.join(lacking)}", "call update(…) before compute()"
            )
        predictions, *others = (ArrayFeatures(np.concatenate(features[side])) for side in _SIDES if features.get(side))
        with left_as_it_was(), blas_on_one_thread(), one_thread_unless_own(self._job.estimator):
            found = self._job.estimator(predictions, others[0] if others else predictions)
        estimate: Estimate = found[self._job.names[self._request.name]]
        return estimate
