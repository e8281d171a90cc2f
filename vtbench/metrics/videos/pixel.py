"""Errors of all pixels of a video, and of its changes in time: sums of integers, the same bits on every device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vtbench.core.errors import AdapterError
from vtbench.metrics.catalog.lookup import VIDEO_INFOS
from vtbench.metrics.images.pixel import PEAK, mean_squared_error, scored

if TYPE_CHECKING:
    from torch import Tensor

_PIXELS = 1 << 22
"""Of predictions, at once."""


def check_videos(name: str, prediction: Tensor, reference: Tensor) -> None:
    """Both must be ``uint8 [B,T,3,H,W]`` of one shape, with a frame at least.

    Raises:
        AdapterError: they are not; ``name`` is the metric that was asked.
    """
    import torch

    fits = all(videos.dtype == torch.uint8 and videos.ndim == 5 for videos in (prediction, reference))
    if not fits or prediction.shape != reference.shape or prediction.shape[2] != 3 or not prediction.shape[1]:
        found = " and ".join(f"{videos.dtype} {list(videos.shape)}" for videos in (prediction, reference))
        raise AdapterError(
            f"{name} needs prediction and reference as uint8 [B,T,3,H,W] of one shape, got {found}",
            "give as many frames as the reference has, of its size",
        )


class VideoPsnr:
    """``10 log10(255² / MSE)`` in dB, the mean squared error over all frames, pixels and channels of a video.

    Infinite where the videos are equal. What LARP's and NAR's evaluator averages over videos; a video with one bad
    frame scores lower here than by :class:`~vtbench.metrics.videos.frames.FramePsnr`.
    """

    info = VIDEO_INFOS["video_psnr"]

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,T,3,H,W]`` twice to ``float64 [B]``."""
        check_videos(self.info.name, prediction, reference)
        errors = scored(mean_squared_error, prediction, reference, _PIXELS // prediction.shape[1])
        return 10.0 * (PEAK**2 / errors).log10()


class TemporalFlicker:
    """Mean of ``|(p[t+1] - p[t]) - (r[t+1] - r[t])|`` over frames, pixels and channels, in 8-bit levels.

    0 where a prediction changes as its reference does, whatever it looks like: an error that stands still, blur of a
    still scene among them, does not count; noise of frame after frame does. NaN for a video of one frame.
    """

    info = VIDEO_INFOS["temporal_flicker"]

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,T,3,H,W]`` twice to ``float64 [B]``."""
        check_videos(self.info.name, prediction, reference)
        return scored(_mean_change, prediction, reference, _PIXELS // prediction.shape[1])


def _mean_change(prediction: Tensor, reference: Tensor) -> Tensor:
    import torch

    error = prediction.to(torch.int16) - reference.to(torch.int16)
    changes = error.diff(dim=1).abs_().flatten(1)
    return changes.sum(1, dtype=torch.int64).to(torch.float64) / changes.shape[1]
