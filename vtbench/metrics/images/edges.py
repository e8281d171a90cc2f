"""Edges kept and invented: F1 of Canny's edges of the prediction against those of the reference.

Canny, A Computational Approach to Edge Detection, IEEE TPAMI 8(6), 1986, as ``skimage.feature.canny`` computes it, on
luma in [0, 1] (0.299 R + 0.587 G + 0.114 B, not rounded); edges in colour alone are not seen. An edge pixel counts as
found when the other image has an edge at most ``TOLERANCE`` pixels away along both axes (its 3 × 3 neighbourhood), so
that a shift by one pixel, which no eye would see, costs nothing. Precision is the share of predicted edge pixels found
in the reference, recall the reverse, F1 their harmonic mean.

Where edges lie closer than three pixels, neighbourhoods cover everything and the score says little; such detail is the
business of ``high_frequency_error``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vtbench.metrics.catalog.lookup import IMAGE_INFOS
from vtbench.metrics.images.luma import LUMA_WEIGHTS, luma_thousandths
from vtbench.metrics.images.pixel import PEAK, check_pair, scored

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    Mask = np.ndarray[Any, np.dtype[np.bool_]]

SIGMA = 1.0
"""Standard deviation in pixels of the Gaussian before the gradient; small, so that hair and print keep their edges."""
LOW, HIGH = 0.1, 0.2
"""Hysteresis thresholds, scikit-image's defaults, on its Sobel filter, which yields eight times the slope: 3.2 and 6.4
levels a pixel. A straight step shows from 20 levels on."""
TOLERANCE = 1
"""Pixels, along each axis."""


class EdgeF1:
    """F1 of Canny edges in [0, 1]: sigma 1, thresholds 0.1 and 0.2, tolerance one pixel.

    1 where neither image has an edge (nothing to keep, nothing invented); 0 where one of them alone has. So every image
    counts for every model. Computed on the CPU.
    """

    info = IMAGE_INFOS["edge_f1"]

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]``."""
        check_pair(self.info.name, prediction, reference)
        return scored(_scores, prediction, reference)


def _scores(prediction: Tensor, reference: Tensor) -> Tensor:
    import torch

    scores = [f1(edge_mask(x), edge_mask(y)) for x, y in zip(prediction, reference, strict=True)]
    return torch.tensor(scores, dtype=torch.float64, device=prediction.device)


def edge_mask(image: Tensor) -> Mask:
    """Canny's edges of one ``uint8 [3,H,W]`` image: ``bool [H,W]``, one or two pixels thin, none at the very border."""
    from skimage.feature import canny

    luma = luma_thousandths(image[None])[0].cpu().numpy() / (sum(LUMA_WEIGHTS) * PEAK)
    mask: Mask = canny(luma, sigma=SIGMA, low_threshold=LOW, high_threshold=HIGH)  # type: ignore[no-untyped-call, unused-ignore]
    return mask


def f1(predicted: Mask, actual: Mask) -> float:
    """F1 of two masks ``bool [H,W]`` within ``TOLERANCE`` pixels; 1 if both are empty, 0 if one is."""
    if not predicted.any() or not actual.any():
        return 1.0 if predicted.any() == actual.any() else 0.0
    precision = float((predicted & _widened(actual)).sum() / predicted.sum())
    recall = float((actual & _widened(predicted)).sum() / actual.sum())
    return 2.0 * precision * recall / (precision + recall) if precision + recall else 0.0


def _widened(mask: Mask) -> Mask:
    import numpy as np
    from scipy.ndimage import binary_dilation

    side = 2 * TOLERANCE + 1
    widened: Mask = binary_dilation(mask, np.ones((side, side), bool))
    return widened
