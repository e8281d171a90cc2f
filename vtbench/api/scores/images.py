"""Metrics with a value an image, or a video, as objects that are called, or fed batch by batch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vtbench.api.caller import left_as_it_was
from vtbench.api.scores.base import Score, as_pixels, as_videos
from vtbench.core.contracts import Estimate
from vtbench.core.errors import UsageError
from vtbench.core.foreign.returned import one_number_each
from vtbench.core.registry import Registry
from vtbench.core.threads.steady import one_thread_unless_own
from vtbench.metrics.catalog.lookup import BLOCK_REGISTRY, IMAGE_REGISTRY, PROMPT_REGISTRY, VIDEO_REGISTRY
from vtbench.run.measuring.evaluators import made_metric
from vtbench.run.scoring.fold import rows_estimate


class _Rowed(Score):
    """What metrics with rows share: they are kept column by column."""

    registry: Registry

    def _make(self) -> None:
        self._metric: Any = made_metric(self.registry, self._request)
        self.reset()

    def reset(self) -> None:
        """Forget what :meth:`update` was given."""
        self._kept: dict[str, list[float]] = {}

    def __call__(self, *given: Any) -> Tensor:
        """``float64 [B]`` on the CPU; NaN marks an image that the metric does not apply to."""
        with left_as_it_was(), torch.inference_mode():
            columns = self._columns(*given)
        return torch.from_numpy(np.array(self._rows(columns), dtype=np.float64))

    def update(self, *given: Any) -> None:
        """Score a batch and keep its rows."""
        with left_as_it_was(), torch.inference_mode():
            for name, column in self._columns(*given).items():
                self._kept.setdefault(name, []).extend(column)

    def compute(self) -> Estimate:
        """See :meth:`Score.compute`."""
        if not any(self._kept.values()):
            raise UsageError(f"{self.info.name} was given no images", "call update(…) before compute()")
        return rows_estimate(self.info, self._rows(self._kept))

    @abstractmethod
    def _columns(self, *given: Any) -> dict[str, list[float]]:
        """Rows of a batch by column."""

    def _rows(self, columns: Mapping[str, Sequence[float]]) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.asarray(next(iter(columns.values())), dtype=np.float64)


class PairScore(_Rowed):
    """A full-reference metric. Of ``psnr_pooled`` the rows are mean squared errors; :meth:`compute` makes decibels."""

    registry = IMAGE_REGISTRY

    @staticmethod
    def taken(given: Any, what: str) -> Tensor:
        """What is scored, from what a caller has."""
        return as_pixels(given, what)

    def _columns(self, *given: Any) -> dict[str, list[float]]:
        prediction, reference = _pair(self.info.name, given, self.taken)
        self._metric = self._placed(self._metric, prediction)
        values = self._metric(prediction, reference.to(prediction.device), [None] * len(prediction))
        return {self.info.row_column: one_number_each(f"metric {self.info.name}", values, len(prediction))}


class VideoScore(PairScore):
    """A full-reference metric of videos, ``[B,T,3,H,W]``."""

    registry = VIDEO_REGISTRY

    @staticmethod
    def taken(given: Any, what: str) -> Tensor:
        """What is scored, from what a caller has."""
        return as_videos(given, what)


class BlockScore(_Rowed):
    """A metric whose rows may depend on the images beside them: a call is a block."""

    registry = BLOCK_REGISTRY

    def _columns(self, *given: Any) -> dict[str, list[float]]:
        prediction, reference = _pair(self.info.name, given, as_pixels)
        with one_thread_unless_own(self._metric):
            found = self._metric(prediction, reference.to(prediction.device), [None] * len(prediction))
        return {name: one_number_each(f"metric {self.info.name}", found[name], len(prediction)) for name in found}

    def _rows(self, columns: Mapping[str, Sequence[float]]) -> np.ndarray[Any, np.dtype[np.float64]]:
        arrays = {name: np.asarray(column, dtype=np.float64) for name, column in columns.items()}
        rows: np.ndarray[Any, np.dtype[np.float64]] = self._metric.rows(arrays)
        return rows


class PromptScore(_Rowed):
    """A metric of an image against the prompt it was made from."""

    registry = PROMPT_REGISTRY

    def _columns(self, *given: Any) -> dict[str, list[float]]:
        if len(given) != 2:
            raise UsageError(f"{self.info.name} takes images and their prompts", "metric(images, prompts)")
        images, prompts = as_pixels(given[0], "images"), list(given[1])
        if len(images) != len(prompts):
            raise UsageError(f"{self.info.name} was given {len(images)} images and {len(prompts)} prompts")
        self._metric = self._placed(self._metric, images)
        return {
            self.info.row_column: one_number_each(
                f"metric {self.info.name}", self._metric(images, prompts), len(images)
            )
        }


def _pair(name: str, given: Sequence[Any], taken: Callable[[Any, str], Tensor]) -> tuple[Tensor, Tensor]:
    if len(given) != 2:
        raise UsageError(f"{name} compares two batches, {len(given)} were given", "metric(prediction, reference)")
    prediction, reference = taken(given[0], "prediction"), taken(given[1], "reference")
    if prediction.shape != reference.shape:
        shapes = f"{list(prediction.shape)} and {list(reference.shape)}"
        raise UsageError(f"{name}: prediction and reference are {shapes}", "give pairs of one shape")
    return prediction, reference
