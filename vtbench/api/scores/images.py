"""Metrics with a value an image, as objects that are called, or fed batch by batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from vtbench.api.caller import left_as_it_was
from vtbench.core.contracts import Estimate
from vtbench.core.errors import UsageError
from vtbench.core.foreign.returned import in_words, one_number_each
from vtbench.core.info import MetricInfo
from vtbench.core.naming.reference import Reference
from vtbench.core.pixels import to_uint8
from vtbench.core.registry import Registry
from vtbench.metrics.catalog.lookup import BLOCK_REGISTRY, IMAGE_REGISTRY, PROMPT_REGISTRY
from vtbench.run.scoring.fold import rows_estimate
from vtbench.tasks import MetricRequest

if TYPE_CHECKING:
    from typing_extensions import Self

Made = TypeVar("Made")
_FARTHEST = 0.5
"""How far floats may leave [0, 1], as a decoder's output does; beyond it they are in another range."""


class Score(ABC):
    """One metric on tensors: called on images, or fed with :meth:`update` and asked with :meth:`compute`.

    Attributes:
        info: what its number means.
    """

    def __init__(
        self, request: MetricRequest, info: MetricInfo, device: torch.device | None, allow_small_sets: bool
    ) -> None:
        self.info, self._request, self._device = info, request, device
        self._small_sets = allow_small_sets
        with left_as_it_was():
            self._make()

    def __repr__(self) -> str:
        return f"vtbench.metric({self.info.name!r})"

    @abstractmethod
    def __call__(self, *given: Any) -> Any:
        """Score what is given, and keep nothing of it; see :func:`vtbench.metric`."""

    @abstractmethod
    def update(self, *given: Any) -> None:
        """Keep what scoring needs of a batch."""

    @abstractmethod
    def compute(self) -> Estimate:
        """The value over all that :meth:`update` was given, with its interval.

        Raises:
            UsageError: nothing was given, or too little.
        """

    @abstractmethod
    def reset(self) -> None:
        """Forget what :meth:`update` was given."""

    @abstractmethod
    def _make(self) -> None:
        """Load what it needs."""

    def to(self, device: torch.device | str) -> Self:
        """Keep its network on this device; returns itself."""
        self._device = torch.device(device)
        return self

    def _placed(self, made: Made, images: Tensor) -> Made:
        """Its network, where it was told to be or where the images lie."""
        device = self._device or images.device
        moving: Any = made
        return moving.to(device=device) if hasattr(moving, "to") else made


class _Rowed(Score):
    """What metrics with rows share: they are kept column by column."""

    registry: Registry

    def _make(self) -> None:
        self._metric: Any = self.registry.create(Reference(self._request.name, dict(self._request.params)))
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

    def _columns(self, *given: Any) -> dict[str, list[float]]:
        prediction, reference = _pair(self.info.name, given)
        self._metric = self._placed(self._metric, prediction)
        values = self._metric(prediction, reference.to(prediction.device), [None] * len(prediction))
        return {self.info.row_column: one_number_each(f"metric {self.info.name}", values, len(prediction))}


class BlockScore(_Rowed):
    """A metric whose rows may depend on the images beside them: a call is a block."""

    registry = BLOCK_REGISTRY

    def _columns(self, *given: Any) -> dict[str, list[float]]:
        prediction, reference = _pair(self.info.name, given)
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


def as_pixels(images: Any, what: str) -> Tensor:
    """``uint8 [B,3,H,W]`` from itself, or from floats in [0, 1] by the one rounding rule.

    Raises:
        UsageError: another shape or dtype, NaN, or floats in another range.
    """
    found = torch.from_numpy(images) if isinstance(images, np.ndarray) else images
    if not isinstance(found, Tensor) or found.ndim != 4 or found.shape[1] != 3:
        last = isinstance(found, Tensor) and found.ndim == 4 and found.shape[-1] == 3
        hint = "images.permute(0, 3, 1, 2)" if last else "images[None] is a batch of one"
        raise UsageError(f"{what}: {in_words(found)}, not [B,3,H,W]", hint)
    if found.dtype == torch.uint8:
        return found.detach()
    if not found.is_floating_point():
        raise UsageError(f"{what}: {in_words(found)}", "give uint8, or floats in [0, 1]")
    if found.numel() and not bool(torch.isfinite(found).all()):
        raise UsageError(f"{what} holds NaN or infinity", "leave such images out")
    low, high = (float(found.min()), float(found.max())) if found.numel() else (0.0, 1.0)
    if low < -_FARTHEST or high > 1.0 + _FARTHEST:
        told = "(x + 1) / 2" if high <= 2.0 else "x / 255"
        raise UsageError(f"{what} has values in [{low:.2f}, {high:.2f}]", f"give images in [0, 1]: {told}")
    return to_uint8(found.detach())


def _pair(name: str, given: Sequence[Any]) -> tuple[Tensor, Tensor]:
    if len(given) != 2:
        raise UsageError(f"{name} compares two batches, {len(given)} were given", "metric(prediction, reference)")
    prediction, reference = as_pixels(given[0], "prediction"), as_pixels(given[1], "reference")
    if prediction.shape != reference.shape:
        shapes = f"{list(prediction.shape)} and {list(reference.shape)}"
        raise UsageError(f"{name}: prediction and reference are {shapes}", "give pairs of one shape")
    return prediction, reference
