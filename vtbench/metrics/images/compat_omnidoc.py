"""PSNR as OmniDoc-TokenBench's released script has it, by piq. For compat tasks only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vtbench.metrics.catalog.lookup import IMAGE_INFOS
from vtbench.metrics.images.pixel import PEAK, check_pair, mean_squared_error

if TYPE_CHECKING:
    from torch import Tensor

FLOOR = 1e-8
"""Added to the squared error of values in [0, 1] (``photosynthesis-team/piq``, ``piq/psnr.py``)."""


class CompatOmnidocPsnr:
    """``-10 log10(MSE + 1e-8)`` for values in [0, 1]: 80 dB for a perfect copy, so that none is ever left out.

    The script drops infinite values; with that floor there are none. At 30 dB it takes 0.00004 dB, at 60 dB 0.04.
    Held against piq itself on noisy pairs: 7e-7 dB; its SSIM without downsampling is ``ssim`` within 2e-7.
    """

    info = IMAGE_INFOS["compat_omnidoc_psnr"]

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]``, dB."""
        check_pair(self.info.name, prediction, reference)
        return -10.0 * (mean_squared_error(prediction, reference) / PEAK**2 + FLOOR).log10()
