"""A feature extractor of another package: the mean colour."""

import torch


class MeanRgb:
    """Three numbers an image; no weights."""

    id = "mean_rgb+native+none+float32"
    features = ("pool",)

    def __call__(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"pool": images.float().mean(dim=(2, 3))}

    def to(self, *, device: torch.device) -> "MeanRgb":
        return self
