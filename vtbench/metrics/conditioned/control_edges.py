"""``control_canny_f1``: whether a generated image has the edges that it was to have, pixel by pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vtbench.core.contracts import Condition
from vtbench.metrics.catalog.conditioned import CONDITION_INFOS
from vtbench.metrics.conditioned.maps import map_estimator, map_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self

_WHITE = 128


class ControlCannyF1:
    """F1 of Canny's edges of the sample against the map that it was to follow, ``control``, white on black.

    Exact to the pixel, no tolerance: true and false edges are summed over the images of one line, their F1 is the value
    of the line, and the mean over lines is the metric. That is ControlNet++'s protocol (liming-ai/
    ControlNet_Plus_Plus@9ffe264): kornia's Canny, thresholds .1 and .2 on [0, 1], four images a prompt. Their path
    through OpenCV scores the first image four times, which this does not. One pixel of shift costs nearly all.

    NaN for a line whose map and samples have no edge at all.

    Args:
        low: magnitude of a gradient, of values in [0, 1], above which a pixel linked to a strong one is an edge.
        high: magnitude above which a pixel is one by itself.

    Raises:
        UsageError: thresholds that are not 0 < low ≤ high.
    """

    info = CONDITION_INFOS["control_canny_f1"]
    roles: ClassVar[tuple[str, ...]] = ("control",)

    def __init__(self, low: float = 0.1, high: float = 0.2) -> None:
        self._edges: Any = map_estimator("canny", low=low, high=high)

    def to(self, *, device: torch.device | str) -> Self:
        """Move the estimator; returns itself."""
        self._edges = self._edges.to(device=device)
        return self

    def __call__(self, images: Tensor, conditions: Sequence[Condition]) -> dict[str, Tensor]:
        """``uint8 [B,3,H,W]`` to counts of true, false and missed edge pixels, ``float64 [B]`` each.

        Raises:
            SampleError: a map of another size than the sample.
        """
        found = self._edges(images) > 0
        wanted = map_of(conditions, "control", images) >= _WHITE
        sides = {"hit": found & wanted, "false": found & ~wanted, "missed": wanted & ~found}
        return {f"canny_{name}": pixels.flatten(1).sum(1).double() for name, pixels in sides.items()}

    @staticmethod
    def fold(columns: Mapping[str, NDArray[np.float64]], lines: NDArray[np.int64]) -> NDArray[np.float64]:
        """F1 of each line."""
        order, places = np.unique(lines, return_inverse=True)
        hit, false, missed = (
            np.bincount(places, weights=columns[f"canny_{name}"], minlength=len(order))
            for name in ("hit", "false", "missed")
        )
        with np.errstate(invalid="ignore"):
            f1: NDArray[np.float64] = 2 * hit / (2 * hit + false + missed)
        return f1
