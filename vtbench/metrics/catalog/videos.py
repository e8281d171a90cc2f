"""Metrics of video pairs: names, meanings, versions. No torch."""

from __future__ import annotations

from typing import Any

from vtbench.core.info import MetricInfo
from vtbench.core.registry import Registry
from vtbench.metrics.catalog.images import IMAGE_INFOS


def _video(name: str, unit: str, higher: bool, summary: str, **more: Any) -> MetricInfo:
    return MetricInfo(name=name, version=1, kind="video", unit=unit, higher_is_better=higher, summary=summary, **more)


def _frames(image_metric: str, what: str) -> MetricInfo:
    """An image metric of every frame, averaged over a video's frames: it is bounded as that one is."""
    of = IMAGE_INFOS[image_metric]
    return MetricInfo(
        name=f"frame_{image_metric}",
        version=of.version,
        kind="video",
        unit=of.unit,
        higher_is_better=of.higher_is_better,
        aggregation=of.aggregation,
        least_side=of.least_side,
        summary=f"Mean over a video's frames of {image_metric}: {what}",
    )


VIDEO_INFOS: dict[str, MetricInfo] = {
    info.name: info
    for info in (
        _video(
            "video_psnr",
            "dB",
            True,
            "Mean over videos of the PSNR of a video's mean squared error, peak 255, RGB.",
            aggregation="mean_finite",
        ),
        _frames("psnr", "frames that are equal left out."),
        _frames("ssim", "Gaussian window 11."),
        _frames("lpips_alex", "v0.1, AlexNet."),
        _frames("lpips_vgg", "v0.1, VGG16."),
        _video(
            "temporal_flicker",
            "levels",
            False,
            "Mean absolute difference of the changes from frame to frame, in 8-bit levels.",
        ),
    )
}

VIDEO_REGISTRY = Registry(
    "video metric",
    "vtbench.video_metrics",
    {
        "video_psnr": "vtbench.metrics.videos.pixel:VideoPsnr",
        "temporal_flicker": "vtbench.metrics.videos.pixel:TemporalFlicker",
        "frame_psnr": "vtbench.metrics.videos.frames:FramePsnr",
        "frame_ssim": "vtbench.metrics.videos.frames:FrameSsim",
        "frame_lpips_alex": "vtbench.metrics.videos.frames:FrameLpipsAlex",
        "frame_lpips_vgg": "vtbench.metrics.videos.frames:FrameLpipsVgg",
    },
)
