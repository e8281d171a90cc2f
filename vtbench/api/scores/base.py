"""What every metric on tensors has in common: how it is called and fed, and which images it takes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from vtbench.api.caller import left_as_it_was
from vtbench.core.contracts import Estimate
from vtbench.core.errors import UsageError
from vtbench.core.foreign.returned import in_words
from vtbench.core.info import MetricInfo
from vtbench.core.pixels import to_uint8
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


def as_videos(videos: Any, what: str) -> Tensor:
    """``uint8 [B,T,3,H,W]`` from itself, or from floats in [0, 1] by the one rounding rule.

    Raises:
        UsageError: another shape or dtype, NaN, or floats in another range.
    """
    found = torch.from_numpy(videos) if isinstance(videos, np.ndarray) else videos
    if not isinstance(found, Tensor) or found.ndim != 5 or found.shape[2] != 3 or not found.shape[1]:
        turned = isinstance(found, Tensor) and found.ndim == 5
        if turned and found.shape[1] == 3:
            hint = "videos.transpose(1, 2) puts time before channels"
        else:
            hint = "videos.permute(0, 1, 4, 2, 3)" if turned else "videos[None] is a batch of one"
        raise UsageError(f"{what}: {in_words(found)}, not [B,T,3,H,W]", hint)
    frames = as_pixels(found.flatten(0, 1), what)
    return frames.view(*found.shape[:2], *frames.shape[1:])
