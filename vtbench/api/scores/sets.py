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
from vtbench.metrics.catalog.means import mean_info
from vtbench.metrics.feature_matrix import ArrayFeatures
from vtbench.run.measuring.evaluators import made_extractor, set_jobs

_SIDES = ("predictions", "references", "training")


class SetScore(Score):
    """One estimator on one feature of one network. Sets may differ in size; their images, from call to call, too."""

    def _make(self) -> None:
        jobs = set_jobs([self._request], self._small_sets)
        if mean_info(self._request.name) is not None:
            parts = ", ".join(name for job in jobs for name in job.outputs)
            raise UsageError(f"{self._request.name} is a mean over networks", f"call each, and take the mean: {parts}")
        (self._job,) = jobs
        self._extractor: Any = made_extractor(self._job.extractor)
        self.reset()

    def reset(self) -> None:
        """Forget the features of all sets."""
        self._features: dict[str, list[np.ndarray[Any, Any]]] = {side: [] for side in _SIDES}

    def __call__(self, *given: Any) -> Estimate:
        """One value of two sets (of the predictions alone, where the metric looks at nothing else; of three, with the
        training images, where it compares with those)."""
        return self._estimate({side: [self._of(images, side)] for side, images in self._sides(given).items()})

    def update(self, predictions: Any = None, references: Any = None, training: Any = None) -> None:
        """Keep the features of more images of one set, or of several.

        Raises:
            UsageError: no images, or training images for a metric that does not compare with them.
        """
        given = dict(zip(_SIDES, (predictions, references, training), strict=True))
        named = [side for side, images in given.items() if images is not None]
        if not named:
            raise UsageError(f"{self.info.name} was given no images", f"update({', '.join(self._wanted)})")
        if "training" in named and "training" not in self._wanted:
            raise UsageError(f"{self.info.name} compares with no training images", "leave them out")
        for side, images in given.items():
            if images is not None:
                self._features[side].append(self._of(images, side))

    def compute(self) -> Estimate:
        """See :meth:`Score.compute`."""
        return self._estimate(self._features)

    @property
    def _alone(self) -> bool:
        """Whether it looks at the predictions only."""
        return not getattr(self._job.estimator, "uses_references", True)

    @property
    def _wanted(self) -> tuple[str, ...]:
        """The sets that it compares."""
        return _SIDES if self._job.uses_training else _SIDES[:2]

    def _sides(self, given: tuple[Any, ...]) -> dict[str, Any]:
        most = len(self._wanted)
        if len(given) not in ((1, 2) if self._alone else (most,)):
            number = {2: "two", 3: "three"}[most]
            raise UsageError(
                f"{self.info.name} compares {number} sets, {len(given)} were given",
                f"metric({', '.join(self._wanted)})",
            )
        return dict(zip(_SIDES, given, strict=False))

    def _of(self, images: Any, side: str) -> np.ndarray[Any, Any]:
        with left_as_it_was(), torch.inference_mode():
            pixels = as_pixels(images, side)
            self._extractor = self._placed(self._extractor, pixels)
            features: np.ndarray[Any, Any] = self._extractor(pixels)[self._job.feature].cpu().numpy()
        return features

    def _estimate(self, features: dict[str, list[np.ndarray[Any, Any]]]) -> Estimate:
        lacking = [side for side in self._wanted if not features.get(side)]
        if lacking and not (self._alone and lacking == ["references"]):
            raise UsageError(
                f"{self.info.name} was given no {' and no '.join(lacking)}", "call update(…) before compute()"
            )
        given = [side for side in self._wanted if features.get(side)]
        predictions, *others = (ArrayFeatures(np.concatenate(features[side])) for side in given)
        with left_as_it_was(), blas_on_one_thread(), one_thread_unless_own(self._job.estimator):
            found = self._job.estimator(predictions, *(others or [predictions]))
        estimate: Estimate = found[self._job.names[self._request.name]]
        return estimate
