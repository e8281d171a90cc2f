"""Pixel errors on 8-bit images: sums of integers, so the same bits on every device; and how every metric is cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from vtbench.core.errors import AdapterError, UsageError
from vtbench.metrics.catalog.lookup import IMAGE_INFOS
from vtbench.metrics.images.luma import STUDIO_GAIN, luma_thousandths, without_border

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


def scored(
    score: Callable[[Tensor, Tensor], Tensor], prediction: Tensor, reference: Tensor, pixels: int = 1 << 22
) -> Tensor:
    """``score`` of every pair: ``float64 [B]``.

    On a CPU an image at a time, whose number then depends on nothing beside it; elsewhere in as large parts as allowed.

    Args:
        score: ``uint8 [b,3,H,W]`` twice to ``float64 [b]``.
        pixels: of all predictions that are worked on at once, which bounds memory.
    """
    import torch

    from vtbench.core.threads.lanes import by_image

    at_once = max(1, pixels // max(1, prediction.shape[-2] * prediction.shape[-1]))
    if prediction.device.type == "cpu":
        parts = by_image(score, prediction, reference, most=at_once)
    else:
        starts = range(0, len(prediction), at_once)
        parts = [score(prediction[at : at + at_once], reference[at : at + at_once]) for at in starts]
    return torch.cat(parts) if parts else torch.empty(0, dtype=torch.float64, device=prediction.device)


def check_border(name: str, border: int) -> int:
    """``border`` as it is.

    Raises:
        UsageError: it is negative; ``name`` is the metric that was asked for.
    """
    if border < 0:
        raise UsageError(f"{name}: border must not be negative, got {border}", "the default is 0: the whole image")
    return border


def mean_squared_error(prediction: Tensor, reference: Tensor) -> Tensor:
    """``float64 [B]``: mean over the pixels and channels of an image, in squared 8-bit levels."""
    import torch

    difference = prediction.to(torch.int32) - reference.to(torch.int32)
    return _image_mean(difference.square_())


def _decibels(prediction: Tensor, reference: Tensor) -> Tensor:
    return 10.0 * (PEAK**2 / mean_squared_error(prediction, reference)).log10()


def _luma_decibels(prediction: Tensor, reference: Tensor) -> Tensor:
    difference = luma_thousandths(prediction) - luma_thousandths(reference)
    return 10.0 * (PEAK**2 / (_image_mean(difference.long().square_()) * (STUDIO_GAIN / 1000.0) ** 2)).log10()


def _mean_absolute_error(prediction: Tensor, reference: Tensor) -> Tensor:
    import torch

    return _image_mean((prediction.to(torch.int32) - reference.to(torch.int32)).abs_())


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
        return scored(_decibels, prediction, reference)


class PsnrY:
    """PSNR of Y of YCbCr in dB, peak 255, as in the super-resolution literature; infinite where Y is equal.

    Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255 (BT.601, 16 to 235), not rounded, as BasicSR's
    ``calculate_psnr(test_y_channel=True)``; MATLAB's ``rgb2ycbcr`` of 8-bit images rounds it. Its error is 219 / 255 of
    luma's in full range, so sums stay exact integers.

    Args:
        border: rows and columns left out at each edge; super-resolution leaves out as many as its factor.

    Raises:
        UsageError: a negative border.
    """

    info = IMAGE_INFOS["psnr_y"]

    def __init__(self, border: int = 0) -> None:
        self._border = check_border(self.info.name, border)

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]``; NaN where the border leaves no pixel."""
        check_pair(self.info.name, prediction, reference)
        x, y = (without_border(images, self._border) for images in (prediction, reference))
        return scored(_luma_decibels, x, y)


class PsnrPooled:
    """Rows are mean squared errors; the runner turns their mean over all images into one PSNR."""

    info = IMAGE_INFOS["psnr_pooled"]

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]``, in squared 8-bit levels."""
        check_pair(self.info.name, prediction, reference)
        return scored(mean_squared_error, prediction, reference)


class Mae:
    """Mean absolute error over pixels and channels, in 8-bit levels."""

    info = IMAGE_INFOS["mae"]

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]``."""
        check_pair(self.info.name, prediction, reference)
        return scored(_mean_absolute_error, prediction, reference)
