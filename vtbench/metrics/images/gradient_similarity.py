"""Gradient magnitude similarity: do edges rise as steeply, and at the same places, as in the reference?

Xue, Zhang, Mou and Bovik, Gradient Magnitude Similarity Deviation, IEEE TIP 23(2), 2014. With m the gradient magnitude

    GMS = (2 m_x m_y + T) / (m_x² + m_y² + T) = 1 - (m_x - m_y)² / (m_x² + m_y² + T)

``gradient_similarity`` is the mean of that map (GMSM in the paper), ``gmsd`` its standard deviation. As in the paper:
T = 170 for 8-bit levels; means of 2 × 2 pixels, one kept of each, before the gradient; Prewitt filters with weights
1/3; black outside the image. Colour: luma, 0.299 R + 0.587 G + 0.114 B, not rounded; detail in colour alone is not
seen. An odd last row or column is doubled before the 2 × 2 means (the paper leaves odd sizes open).

Everything up to the squared magnitudes is integer arithmetic, so that equal images score exactly 1 and 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vtbench.metrics.catalog.lookup import IMAGE_INFOS
from vtbench.metrics.images.luma import LUMA_WEIGHTS, luma_thousandths
from vtbench.metrics.images.pixel import check_pair, scored

if TYPE_CHECKING:
    from torch import Tensor

T = 170.0
_SCALE = sum(LUMA_WEIGHTS) * 4 * 3
"""What the integers here are too large by: thousandths of luma, sums of four pixels, Prewitt sums of three."""


class GradientSimilarity:
    """Mean gradient magnitude similarity (GMSM), in (0, 1]; 1 where all gradient magnitudes agree."""

    info = IMAGE_INFOS["gradient_similarity"]

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]``."""
        check_pair(self.info.name, prediction, reference)
        return scored(_mean, prediction, reference)


class GradientSimilarityDeviation:
    """Population standard deviation of the gradient magnitude similarity (GMSD), in [0, 0.5]; 0 for equal images.

    Equation 6 of the paper. It falls when *everything* is equally damaged, which is why it is not the headline here.
    """

    info = IMAGE_INFOS["gmsd"]

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]``."""
        check_pair(self.info.name, prediction, reference)
        return scored(_deviation, prediction, reference)


def similarity_map(prediction: Tensor, reference: Tensor) -> Tensor:
    """GMS at half size: ``uint8 [B,3,H,W]`` twice to ``float64 [B,ceil(H/2),ceil(W/2)]`` in (0, 1]."""
    x, y = _squared_magnitude(prediction), _squared_magnitude(reference)
    difference = (x.sqrt() - y.sqrt()).square_()
    return difference.div_(x.add_(y).add_(T * _SCALE**2)).neg_().add_(1.0)


def _squared_magnitude(images: Tensor) -> Tensor:
    """``float64 [B,h,w]``: squared Prewitt gradients in units of (levels / ``_SCALE``)². Exact: below 2**53."""
    import torch
    import torch.nn.functional as F

    halved = F.pad(_sums_of_four(luma_thousandths(images)), (1, 1, 1, 1))
    rows = halved[:, :-2] + halved[:, 1:-1] + halved[:, 2:]
    columns = halved[..., :-2] + halved[..., 1:-1] + halved[..., 2:]
    across = (rows[..., 2:] - rows[..., :-2]).to(torch.float64)
    down = (columns[:, 2:] - columns[:, :-2]).to(torch.float64)
    return across.square_().add_(down.square_())


def _sums_of_four(values: Tensor) -> Tensor:
    """Sums over 2 × 2 blocks of ``int32 [B,H,W]``; an odd last row or column counts twice."""
    import torch

    if values.shape[1] % 2:
        values = torch.cat([values, values[:, -1:]], dim=1)
    if values.shape[2] % 2:
        values = torch.cat([values, values[:, :, -1:]], dim=2)
    pairs = values[:, ::2] + values[:, 1::2]
    return pairs[..., ::2] + pairs[..., 1::2]


def _mean(prediction: Tensor, reference: Tensor) -> Tensor:
    return _image_mean(similarity_map(prediction, reference))


def _deviation(prediction: Tensor, reference: Tensor) -> Tensor:
    similarity = similarity_map(prediction, reference)
    return _image_mean((similarity - _image_mean(similarity)[:, None, None]).square_()).sqrt_()


def _image_mean(values: Tensor) -> Tensor:
    """``[B,h,w]`` to ``[B]``."""
    return values.sum(2).sum(1) / (values.shape[1] * values.shape[2])
