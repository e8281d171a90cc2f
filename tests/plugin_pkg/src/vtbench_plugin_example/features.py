"""Feature extractors of another package, the mean colour, and a map estimator: where an image is bright."""

import torch


class MeanRgb:
    """Three numbers an image; no weights."""

    id = "mean_rgb+native+none+float32"
    features = ("pool",)

    def __call__(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"pool": images.float().mean(dim=(2, 3))}

    def to(self, *, device: torch.device) -> "MeanRgb":
        return self


class MeanRgbOfVideos(MeanRgb):
    """The same of all frames, as ``fvd_mean_rgb_of_videos`` reads it."""

    id = "mean_rgb_of_videos+native+none+float32"

    def __call__(self, videos: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"pool": videos.float().mean(dim=(1, 3, 4))}


class Bright:
    """1 where an image is brighter than a level."""

    gives = "edges"

    def __init__(self, level: int = 128) -> None:
        self.id, self._level = f"bright@1-{level}", level

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return (images.float().mean(dim=1) > self._level).float()

    def to(self, *, device: torch.device) -> "Bright":
        return self
