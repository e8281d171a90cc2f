"""NIQE: how far the statistics of an image's blocks lie from those of undistorted photographs. It needs no reference.

Mittal, Soundararajan and Bovik, Making a "Completely Blind" Image Quality Analyzer, IEEE Signal Processing Letters
20(3), 2013. As in the authors' release:

- Y of YCbCr (BT.601, 16 to 235) rounded to whole levels, cut to whole blocks of 96 × 96 pixels;
- at full and at half size (MATLAB's bicubic ``imresize`` with antialiasing), each value less its local mean, over its
  local deviation plus one (equation 1; Gaussian window of 7 × 7, sigma 7/6, edges repeated);
- 18 features of each block and size: shape and mean scale of an asymmetric generalised Gaussian fitted to its values,
  and shape, mean and both scales for its products with neighbours in four directions, which wrap around in the block;
- the distance of equation 10 between mean and covariance of the blocks' 36 features and those of the authors' pristine
  photographs; blocks without a feature (flat ones) take no part in the covariance.

Few blocks make a noisy covariance: 256 × 256 pixels have four.

On BasicSR's picture ``baboon.png`` this gives 5.729583; BasicSR (8d56e3a) states 5.729573 for MATLAB and 5.729576 for
itself. Where an image is flat, those two fit rounding noise, and differ from one another and from this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from vtbench import assets
from vtbench.metrics.catalog.lookup import IMAGE_INFOS
from vtbench.metrics.images.luma import studio_luma
from vtbench.metrics.images.pixel import check_pair, scored
from vtbench.metrics.images.windows import filtered, gaussian_taps

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self

BLOCK = 96
LEAST_SIDE = 2 * BLOCK
"""Four blocks: two are the least that have a covariance."""
WINDOW, SIGMA = 7, 7.0 / 6.0
HALVING = tuple(tap / 256.0 for tap in (-3, -9, 29, 111, 111, 29, -9, -3))
"""Keys' cubic (a = -1/2), stretched to twice its width, between the samples: exact in binary."""
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
SHAPES = 9801
"""Shapes tried of a generalised Gaussian: 0.2, 0.201 … 10."""


class Niqe:
    """NIQE of the prediction; the lower the more like a photograph. NaN for images with a side below 192 pixels.

    Args:
        pristine: mean ``mu_pris_param`` ``[1,36]`` and covariance ``cov_pris_param`` ``[36,36]`` of the authors'
            photographs; without them the asset's.

    Raises:
        AssetMissingError: parameters that are neither here nor to be had.
    """

    info = IMAGE_INFOS["niqe"]
    required_assets = ("niqe",)

    def __init__(self, pristine: Mapping[str, Tensor] | None = None) -> None:
        pristine = assets.load_tensors(self.required_assets[0]) if pristine is None else pristine
        self._mean = pristine["mu_pris_param"].double().flatten()
        self._covariance = pristine["cov_pris_param"].double()
        self._shapes = GaussianShapes()

    def to(self, *, device: torch.device | str) -> Self:
        """Where the metric computes; returns itself."""
        self._mean, self._covariance = self._mean.to(device), self._covariance.to(device)
        self._shapes = self._shapes.to(device)
        return self

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]``; the reference is not looked at."""
        check_pair(self.info.name, prediction, reference)
        return self._where_wide_enough(prediction)

    def _where_wide_enough(self, images: Tensor) -> Tensor:
        import torch

        if min(images.shape[-2:]) < LEAST_SIDE:
            return torch.full((len(images),), torch.nan, dtype=torch.float64, device=images.device)
        return scored(lambda part, _: self._distance(block_features(part, self._shapes)), images, images)

    def _distance(self, features: Tensor) -> Tensor:
        """Equation 10, of ``[B,N,36]``: ``float64 [B]``; NaN where fewer than two blocks have every feature."""
        import torch

        whole = ~features.isnan().any(2, keepdim=True)
        count = whole.sum(1, keepdim=True)
        kept = features.where(whole, 0.0)
        centred = (kept - kept.sum(1, keepdim=True) / count).where(whole, 0.0)
        gap = self._mean - features.nanmean(1, keepdim=True)
        spread = (self._covariance + centred.mT @ centred / (count - 1)) / 2.0
        usable = (count > 1) & gap.isfinite().all(2, keepdim=True)
        spread = spread.where(usable, self._covariance)  # no inverse is taken of what holds no numbers
        inverse = torch.linalg.pinv(spread, hermitian=True)
        distance: Tensor = (gap @ inverse @ gap.mT).sqrt().where(usable, torch.nan)
        return distance.flatten()


class NiqeFloor(Niqe):
    """NIQE of the original: what a perfect reconstruction would have."""

    info = IMAGE_INFOS["niqe_floor"]

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]``; the prediction is not looked at."""
        check_pair(self.info.name, prediction, reference)
        return self._where_wide_enough(reference)


class GaussianShapes:
    """Tables over the shapes of a generalised Gaussian, ``float64 [9801]`` each.

    Attributes:
        between: midpoints of neighbouring ratios Γ(2/a)² / (Γ(1/a) Γ(3/a)), ``[9800]``, rising.
        scale: √(Γ(1/a) / Γ(3/a)).
        mean: Γ(2/a) / Γ(1/a).
    """

    def __init__(self) -> None:
        import torch

        self.shape = torch.arange(SHAPES, dtype=torch.float64) * 0.001 + 0.2
        one, two, three = (torch.lgamma(k / self.shape) for k in (1.0, 2.0, 3.0))
        ratio = (2.0 * two - one - three).exp()
        self.between = (ratio[1:] + ratio[:-1]) / 2.0
        self.scale, self.mean = ((one - three) / 2.0).exp(), (two - one).exp()

    def to(self, device: torch.device | str) -> Self:
        """Move the tables; returns itself."""
        for name in ("shape", "between", "scale", "mean"):
            setattr(self, name, getattr(self, name).to(device))
        return self


def block_features(images: Tensor, shapes: GaussianShapes) -> Tensor:
    """Features of the N blocks of each of ``uint8 [B,3,H,W]``: ``float64 [B,N,36]``; NaN where a block has none."""
    import torch

    rows, columns = (side // BLOCK for side in images.shape[-2:])
    luma = studio_luma(images[..., : rows * BLOCK, : columns * BLOCK]).round_()
    scales = []
    for side in (BLOCK, BLOCK // 2):
        blocks = _normalised(luma).reshape(-1, rows, side, columns, side).transpose(2, 3)
        scales.append(_features(blocks.flatten(1, 2), shapes))
        if side == BLOCK:
            luma = _halved(luma)
    return torch.cat(scales, dim=2)


def _normalised(luma: Tensor) -> Tensor:
    """Equation 1: ``[B,1,H,W]`` to the same."""
    import torch
    import torch.nn.functional as F

    padded = F.pad(luma, (WINDOW // 2,) * 4, mode="replicate")
    mean, square = filtered(torch.stack([padded, padded.square()]), window_taps()).unbind()
    return (luma - mean) / ((square - mean.square()).abs().sqrt() + 1.0)


@lru_cache(maxsize=1)
def window_taps() -> tuple[float, ...]:
    """The window's samples in whole parts of 2**22, of sum exactly 1.

    Sums over levels are then exact, so that where an image is flat the result is 0, and not rounding noise whose sign
    the fit would count. No sample moves by more than 5e-7.
    """
    parts = [round(tap * 2**22) for tap in gaussian_taps(WINDOW, SIGMA)]
    parts[WINDOW // 2] += 2**22 - sum(parts)
    return tuple(part / 2**22 for part in parts)


def _halved(luma: Tensor) -> Tensor:
    """MATLAB's ``imresize(luma, 0.5)``: ``[…,2H,2W]`` to ``[…,H,W]``, edges mirrored."""
    import torch

    reach = len(HALVING) // 2 - 1
    for dim in (-2, -1):
        before = luma.narrow(dim, 0, reach).flip(dim)
        after = luma.narrow(dim, luma.shape[dim] - reach, reach).flip(dim)
        luma = torch.cat([before, luma, after], dim)
    return filtered(luma, HALVING, step=2)


def _features(blocks: Tensor, shapes: GaussianShapes) -> Tensor:
    """``[B,N,s,s]`` to ``[B,N,18]``."""
    import torch

    products = [blocks * blocks.roll(shift, (-2, -1)) for shift in NEIGHBOURS]
    index, left, right = _fitted(torch.stack([blocks, *products], 2), shapes)
    shape, mean = shapes.shape[index], (right - left) * shapes.mean[index]
    of_values = torch.stack([shape[..., 0], (left[..., 0] + right[..., 0]) / 2.0], -1)
    of_products = torch.stack([shape, mean, left, right], -1)[..., 1:, :]
    return torch.cat([of_values, of_products.flatten(-2)], -1)


def _fitted(values: Tensor, shapes: GaussianShapes) -> tuple[Tensor, Tensor, Tensor]:
    """An asymmetric generalised Gaussian, by moments: ``[…,s,s]`` to the index of its shape and its two scales.

    Lasmar, Stitou and Berthoumieu, Multiscale skewed heavy tailed model for texture analysis, ICIP 2009.
    """
    import torch

    squares = values.square()
    left, right = (
        (_sum(squares * side) / _sum(side)).sqrt() for side in ((values < 0).double(), (values > 0).double())
    )
    lean = left / right
    ratio = _sum(values.abs()).square() / (_sum(squares) * (values.shape[-1] * values.shape[-2]))
    ratio = ratio * (lean**3 + 1.0) * (lean + 1.0) / (lean.square() + 1.0).square()
    index = torch.bucketize(ratio, shapes.between).where(~ratio.isnan(), 0)
    return index, left * shapes.scale[index], right * shapes.scale[index]


def _sum(values: Tensor) -> Tensor:
    """Over the last two dimensions, by rows first: a single long sum would be split by the number of threads."""
    return values.sum(-1).sum(-1)
