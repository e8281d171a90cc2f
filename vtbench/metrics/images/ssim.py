"""SSIM in four forms: Gaussian window on RGB or on luma, uniform window, and over five scales.

Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity, IEEE TIP 2004 (K1 = 0.01,
K2 = 0.03); Wang, Simoncelli and Bovik, Multi-Scale Structural Similarity, Asilomar 2003. Each channel by itself, valid
region only, dynamic range 255.

With s = x + y and d = x - y the two factors read

    luminance = 1 - E[d]² / ((E[s]² + E[d]²) / 2 + C1)        contrast = 1 - var(d) / ((var(s) + var(d)) / 2 + C2)

which is the usual form rearranged: four filtered maps instead of five, and exactly 1 where the images are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from vtbench.metrics.catalog.lookup import IMAGE_INFOS
from vtbench.metrics.images.luma import studio_luma, without_border
from vtbench.metrics.images.pixel import PEAK, check_border, check_pair, scored
from vtbench.metrics.images.windows import filtered, gaussian_taps

if TYPE_CHECKING:
    from torch import Tensor

C1 = (0.01 * PEAK) ** 2
C2 = (0.03 * PEAK) ** 2
GAUSSIAN_WINDOW, GAUSSIAN_SIGMA = 11, 1.5
UNIFORM_WINDOW = 7
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
MS_SSIM_ABOVE = (GAUSSIAN_WINDOW - 1) * 2 ** (len(SCALE_WEIGHTS) - 1)
"""MS-SSIM needs a shorter side of more than this many pixels, so that the coarsest scale still holds a window."""


class Ssim:
    """SSIM with a Gaussian window of 11 pixels and sigma 1.5, population covariance, mean over RGB.

    Equals ``skimage.metrics.structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    data_range=255)``. NaN for images with a side below 11 pixels.
    """

    info = IMAGE_INFOS["ssim"]

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]``."""
        check_pair(self.info.name, prediction, reference)
        return _where_wide_enough(_gaussian_ssim, prediction, reference, smallest_side=GAUSSIAN_WINDOW)


class SsimY:
    """:class:`Ssim` of Y of YCbCr (BT.601, 16 to 235, not rounded), as in the super-resolution literature.

    The window and its valid region, population covariance and K1, K2 are those of :class:`Ssim`, the dynamic range
    stays 255: MATLAB's script of Wang et al. and BasicSR's ``calculate_ssim(test_y_channel=True)``. NaN for images with
    a side below 11 pixels, borders not counted.

    Args:
        border: rows and columns left out at each edge; super-resolution leaves out as many as its factor.

    Raises:
        UsageError: a negative border.
    """

    info = IMAGE_INFOS["ssim_y"]

    def __init__(self, border: int = 0) -> None:
        self._border = check_border(self.info.name, border)

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]``."""
        check_pair(self.info.name, prediction, reference)
        pair = (without_border(images, self._border) for images in (prediction, reference))
        return _where_wide_enough(_luma_ssim, *pair, smallest_side=GAUSSIAN_WINDOW)


class SsimUniform7:
    """SSIM with a uniform window of 7 × 7 pixels and sample covariance, mean over RGB: scikit-image's default.

    Window sums are exact integers. NaN for images with a side below 7 pixels.
    """

    info = IMAGE_INFOS["ssim_uniform7"]

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]``."""
        check_pair(self.info.name, prediction, reference)
        return _where_wide_enough(_uniform_ssim, prediction, reference, smallest_side=UNIFORM_WINDOW)


class MsSsim:
    """Multi-scale SSIM: contrast at five scales, luminance at the coarsest, each channel by itself, mean over RGB.

    Between scales 2 × 2 means; an odd last row or column is mirrored. A negative contrast mean counts as 0. NaN for
    images whose shorter side is 160 pixels or less. For even sizes it equals ``pytorch_msssim.ms_ssim``, up to that
    one's float32 window.
    """

    info = IMAGE_INFOS["ms_ssim"]

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]``."""
        check_pair(self.info.name, prediction, reference)
        return _where_wide_enough(_multi_scale_ssim, prediction, reference, smallest_side=MS_SSIM_ABOVE + 1)


def reflected_ssim(prediction: Tensor, reference: Tensor, data_range: float) -> Tensor:
    """:class:`Ssim` over the whole image, edges reflected, for a range of ``data_range`` levels instead of 255.

    ``uint8 [B,3,H,W]`` twice to ``float64 [B]``; NaN for a side below 11. What torchmetrics' default computes. A range
    of r is a range of 255 for values that are larger by 255 / r.
    """
    import torch.nn.functional as F

    gain, margin = PEAK / data_range, [GAUSSIAN_WINDOW // 2] * 4

    def padded(images: Tensor) -> Tensor:
        return F.pad(images.double().mul_(gain), margin, mode="reflect")

    def score(x: Tensor, y: Tensor) -> Tensor:
        return _gaussian_ssim(padded(x), padded(y))

    return _where_wide_enough(score, prediction, reference, smallest_side=GAUSSIAN_WINDOW)


def _where_wide_enough(
    score: Callable[[Tensor, Tensor], Tensor], prediction: Tensor, reference: Tensor, *, smallest_side: int
) -> Tensor:
    """NaN for images with a side below ``smallest_side``."""
    import torch

    if min(prediction.shape[-2:]) < smallest_side:
        return torch.full((len(prediction),), torch.nan, dtype=torch.float64, device=prediction.device)
    return scored(score, prediction, reference)


def _gaussian_ssim(x: Tensor, y: Tensor) -> Tensor:
    return ssim_map(x, y).mean((1, 2, 3))


def ssim_map(x: Tensor, y: Tensor) -> Tensor:
    """What :class:`Ssim` is the mean of, a value a window: ``[B,C,H,W]`` twice to ``float64 [B,C,H-10,W-10]``."""
    import torch

    luminance, contrast = _gaussian_factors(x.to(torch.float64), y.to(torch.float64))
    return luminance.mul_(contrast)


def _luma_ssim(x: Tensor, y: Tensor) -> Tensor:
    return _gaussian_ssim(studio_luma(x), studio_luma(y))


def _uniform_ssim(x: Tensor, y: Tensor) -> Tensor:
    import torch

    n = UNIFORM_WINDOW**2
    x, y = x.to(torch.int32), y.to(torch.int32)
    s, d = x + y, x - y
    # all of these fit 31 bits: the largest is 49 · Σs² ≤ 49² · 510²
    sum_s, sum_d = _box_sum(s), _box_sum(d)
    spread_s = _box_sum(s.square_()).mul_(n).sub_(sum_s.square())
    spread_d = _box_sum(d.square_()).mul_(n).sub_(sum_d.square())
    means = (sums.to(torch.float64).div_(n) for sums in (sum_s, sum_d))
    variances = (spread.to(torch.float64).div_(n * (n - 1)) for spread in (spread_s, spread_d))
    luminance, contrast = _factors(*means, *variances)
    return luminance.mul_(contrast).mean((1, 2, 3))


def _multi_scale_ssim(x: Tensor, y: Tensor) -> Tensor:
    import torch

    x, y = x.to(torch.float64), y.to(torch.float64)
    product = torch.ones(x.shape[:2], dtype=torch.float64, device=x.device)
    for scale, weight in enumerate(SCALE_WEIGHTS):
        luminance, contrast = _gaussian_factors(x, y)
        last = scale == len(SCALE_WEIGHTS) - 1
        value = (luminance.mul_(contrast) if last else contrast).mean((2, 3))
        product *= value.clamp_(min=0.0).pow_(weight)
        if not last:
            x, y = _halve(x), _halve(y)
    return product.mean(1)


def _gaussian_factors(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Luminance and contrast maps of ``float64 [B,3,H,W]`` images."""
    import torch

    maps = torch.empty((4, *x.shape), dtype=torch.float64, device=x.device)
    torch.add(x, y, out=maps[0])
    torch.sub(x, y, out=maps[1])
    torch.square(maps[:2], out=maps[2:])
    mean_s, mean_d, square_s, square_d = filtered(maps, gaussian_taps(GAUSSIAN_WINDOW, GAUSSIAN_SIGMA)).unbind()
    return _factors(mean_s, mean_d, square_s.sub_(mean_s.square()), square_d.sub_(mean_d.square()))


def _factors(mean_s: Tensor, mean_d: Tensor, var_s: Tensor, var_d: Tensor) -> tuple[Tensor, Tensor]:
    """Luminance and contrast maps from the statistics of s = x + y and d = x - y; overwrites its arguments."""
    luminance_d = mean_d.square_()
    luminance = luminance_d / mean_s.square_().add_(luminance_d).mul_(0.5).add_(C1)
    contrast = var_d / var_s.add_(var_d).mul_(0.5).add_(C2)
    return luminance.neg_().add_(1.0), contrast.neg_().add_(1.0)


def _box_sum(values: Tensor) -> Tensor:
    """Sums over 7 × 7 windows, valid region: 7 = 4 + 2 + 1, so four additions a direction instead of six."""
    for dim in (-2, -1):
        n = values.shape[dim]
        two = values.narrow(dim, 0, n - 1) + values.narrow(dim, 1, n - 1)
        four = two.narrow(dim, 0, n - 3) + two.narrow(dim, 2, n - 3)
        values = (four.narrow(dim, 0, n - 6) + two.narrow(dim, 4, n - 6)).add_(values.narrow(dim, 6, n - 6))
    return values


def _halve(images: Tensor) -> Tensor:
    """Means of 2 × 2 blocks; an odd last row or column is mirrored (as MATLAB's and TensorFlow's versions do)."""
    import torch.nn.functional as F

    height, width = images.shape[-2:]
    if height % 2 or width % 2:
        images = F.pad(images, (0, width % 2, 0, height % 2), mode="replicate")
    return F.avg_pool2d(images, 2)
