"""Pixel errors on 8-bit images: sums of integers, so the same bits on every device and for every batch size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vtbench.core.errors import AdapterError
from vtbench.metrics.catalog.lookup import IMAGE_INFOS

if TYPE_CHECKING:
    from torch import Tensor

PEAK = 255.0


def check_pair(name: str, prediction: Tensor, reference: Tensor) -> None:
    """Both must be ``uint8 [B,3,H,W]`` of one shape.

    Raises:
        AdapterError: they are not; ``name`` is the metric that was asked.
    """
    import torch

    fits = all(images.dtype == torch.uint8 and images.ndim == 4 for images in (prediction, reference))
    if not fits or prediction.shape != reference.shape or prediction.shape[1] != 3:
        found = " and ".join(f"{images.dtype} {list(images.shape)}" for images in (prediction, reference))
        raise AdapterError(
            f"{name} needs prediction and reference as uint8 [B,3,H,W] of one shape, got {found}",
            "round with vtbench.core.pixels.to_uint8 and crop or resize to the reference's size",
        )


def in_chunks(prediction: Tensor, reference: Tensor, size: int) -> list[tuple[Tensor, Tensor]]:
    """Pairs of views of at most ``size`` images."""
    starts = range(0, len(prediction), size)
    return [(prediction[start : start + size], reference[start : start + size]) for start in starts]


def mean_squared_error(prediction: Tensor, reference: Tensor) -> Tensor:
    """``float64 [B]``: mean over the pixels and channels of an image, in squared 8-bit levels."""
    import torch

    difference = prediction.to(torch.int32) - reference.to(torch.int32)
    return _image_mean(difference.square_())


def _image_mean(values: Tensor) -> Tensor:
    """Exact sum of integers over all but the first dimension, divided once."""
    import torch

    flat = values.flatten(1)
    return flat.sum(1, dtype=torch.int64).to(torch.float64) / flat.shape[1]


class Psnr:
    """``10 log10(255² / MSE)`` in dB for each image; infinite where the images are equal."""

    info = IMAGE_INFOS["psnr"]

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]``."""
        check_pair(self.info.name, prediction, reference)
        return 10.0 * (PEAK**2 / mean_squared_error(prediction, reference)).log10()


class PsnrPooled:
    """Rows are mean squared errors; the runner turns their mean over all images into one PSNR."""

    info = IMAGE_INFOS["psnr_pooled"]

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]``, in squared 8-bit levels."""
        check_pair(self.info.name, prediction, reference)
        return mean_squared_error(prediction, reference)


class Mae:
    """Mean absolute error over pixels and channels, in 8-bit levels."""

    info = IMAGE_INFOS["mae"]

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]``."""
        import torch

        check_pair(self.info.name, prediction, reference)
        return _image_mean((prediction.to(torch.int32) - reference.to(torch.int32)).abs_())
