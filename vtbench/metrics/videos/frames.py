"""Metrics of images, of every frame of a video, averaged over its frames.

A frame's value is the image metric's own, computed by the same code, so that an image tokenizer that is run frame by
frame can be read on both scales.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from vtbench.core.contracts import ImageMetric
from vtbench.core.info import MetricInfo
from vtbench.metrics.catalog.lookup import VIDEO_INFOS
from vtbench.metrics.images.lpips import LpipsAlex, LpipsVgg
from vtbench.metrics.images.pixel import Psnr
from vtbench.metrics.images.ssim import Ssim
from vtbench.metrics.videos.pixel import check_videos

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self


class _Frames:
    """What they share: frames are images, and a video's value is the mean of its frames'."""

    info: ClassVar[MetricInfo]
    _metric: ImageMetric

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,T,3,H,W]`` twice to ``float64 [B]``; NaN where a side is too short for the image metric."""
        check_videos(self.info.name, prediction, reference)
        shown, original = prediction.flatten(0, 1), reference.flatten(0, 1)
        rows = self._metric(shown, original, [None] * len(shown))
        return self._of_video(rows.view(prediction.shape[:2]))

    def _of_video(self, rows: Tensor) -> Tensor:
        """``float64 [B,T]`` to ``float64 [B]``."""
        return rows.mean(1)


class FramePsnr(_Frames):
    """PSNR of each frame, averaged over those of a video that are not equal to their reference; infinite where all are.

    A black first frame, which any model gets right, would make every mean infinite, and the video would not count.
    """

    info = VIDEO_INFOS["frame_psnr"]

    def __init__(self) -> None:
        self._metric = Psnr()

    def _of_video(self, rows: Tensor) -> Tensor:
        import torch

        finite = rows.isfinite()
        total, count = torch.where(finite, rows, 0.0).sum(1), finite.sum(1)
        return torch.where(count > 0, total / count, torch.inf)


class FrameSsim(_Frames):
    """:class:`~vtbench.metrics.images.ssim.Ssim` of each frame; NaN below 11 pixels a side."""

    info = VIDEO_INFOS["frame_ssim"]

    def __init__(self) -> None:
        self._metric = Ssim()


class _FrameLpips(_Frames):
    _metric: Any

    def to(self, *, device: torch.device | str) -> Self:
        """Move the network; returns itself."""
        self._metric = self._metric.to(device=device)
        return self


class FrameLpipsAlex(_FrameLpips):
    """LPIPS with AlexNet of each frame; NaN below 31 pixels a side."""

    info = VIDEO_INFOS["frame_lpips_alex"]
    required_assets = LpipsAlex.required_assets

    def __init__(self) -> None:
        self._metric = LpipsAlex()


class FrameLpipsVgg(_FrameLpips):
    """LPIPS with VGG16 of each frame; NaN below 16 pixels a side."""

    info = VIDEO_INFOS["frame_lpips_vgg"]
    required_assets = LpipsVgg.required_assets

    def __init__(self) -> None:
        self._metric = LpipsVgg()
