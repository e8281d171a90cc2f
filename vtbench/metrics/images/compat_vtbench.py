"""PSNR, SSIM and LPIPS as VTBench's released scripts compute them, quirks included. For compat tasks only.

The scripts call torchmetrics with its defaults on images in [0, 1] (Lin et al. 2025, VTBench, as released, with
torchmetrics before 1.8). What those defaults then meant:

- PSNR: one PSNR of the mean squared error over all images; the data range is the largest value of any original minus 0.
- SSIM: Gaussian window of 11, sigma 1.5, over the whole image with reflected edges, not over the valid region; the data
  range is estimated *for each batch*: the larger of (max - min) over its reconstructions and over its originals.
- LPIPS: AlexNet, which expects [-1, 1] and is fed [0, 1].

A batch here is a task's block, 8 samples: it does not depend on the model's batch size, and images that failed are
not in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vtbench.metrics.catalog.lookup import BLOCK_INFOS, IMAGE_INFOS
from vtbench.metrics.images.lpips import SCALE, SHIFT, LpipsAlex
from vtbench.metrics.images.pixel import PEAK, check_pair, mean_squared_error
from vtbench.metrics.images.ssim import reflected_ssim

if TYPE_CHECKING:
    from torch import Tensor

Columns = Mapping[str, NDArray[np.float64]]


class CompatPsnr:
    """Pooled PSNR with the data range taken from the data."""

    info = BLOCK_INFOS["compat_vtbench_psnr"]
    columns = ("compat_vtbench_mse", "compat_vtbench_peak")

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> dict[str, Tensor]:
        """``uint8 [B,3,H,W]`` twice to mean squared error and largest value of the original, both in 8-bit levels."""
        check_pair(self.info.name, prediction, reference)
        peaks = reference.flatten(1).amax(1).double()
        return dict(zip(self.columns, (mean_squared_error(prediction, reference), peaks), strict=True))

    def rows(self, columns: Columns) -> NDArray[np.float64]:
        """Mean squared errors for a peak of 255; NaN where every original is black and the range is 0."""
        errors, peaks = (columns[name] for name in self.columns)
        known = peaks[~np.isnan(peaks)]
        peak = known.max() if len(known) else np.nan
        return errors * (PEAK / peak) ** 2 if peak > 0 else np.full_like(errors, np.nan)


class CompatSsim:
    """SSIM with the data range of the block: a row depends on the images beside it."""

    info = BLOCK_INFOS["compat_vtbench_ssim"]
    columns = ("compat_vtbench_ssim",)

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> dict[str, Tensor]:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]``; NaN where every image of the block is one flat level."""
        import torch

        check_pair(self.info.name, prediction, reference)
        data_range = float(torch.maximum(_spread(prediction), _spread(reference)))  # one wait for the device
        if data_range == 0:
            unknown = torch.full((len(prediction),), torch.nan, dtype=torch.float64, device=prediction.device)
            return {self.columns[0]: unknown}
        return {self.columns[0]: reflected_ssim(prediction, reference, data_range)}

    def rows(self, columns: Columns) -> NDArray[np.float64]:
        """The rows as they are."""
        return columns[self.columns[0]]


class CompatLpips(LpipsAlex):
    """LPIPS with AlexNet, fed [0, 1]: half the contrast, and brighter, so the distance is understated."""

    info = IMAGE_INFOS["compat_vtbench_lpips"]

    def __init__(self, tensors: Mapping[str, Tensor] | None = None) -> None:
        import torch

        super().__init__(tensors)
        shift, scale = (torch.tensor(values).view(1, 3, 1, 1) for values in (SHIFT, SCALE))
        # one pass from 8-bit levels to the backbone's input: (v / 255 - shift) / scale
        self._gain, self._offset = 1.0 / (PEAK * scale), -shift / scale


def _spread(images: Tensor) -> Tensor:
    """Largest minus smallest value of all images, ``uint8 []``."""
    return images.max() - images.min()
