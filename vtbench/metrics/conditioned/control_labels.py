"""``control_miou``: whether a generated image shows what it was to show where it was to."""

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


class ControlMiou:
    """Mean intersection over union of classes, of a segmentation of the samples against maps of ``labels``.

    Intersections and unions are summed over the whole set, as in ControlNet++ and mmseg; a class that neither side has
    anywhere does not count. The interval is over lines: their sums are resampled. Maps are PNG whose pixels are the
    numbers of classes; no preset resizes them.

    Args:
        by: estimator whose map is the number of each pixel's class, as ``segmentation,model=…``.
        classes: numbers run from 0 to below this.
        ignore: number of pixels that are not compared.
    """

    info = CONDITION_INFOS["control_miou"]
    roles: ClassVar[tuple[str, ...]] = ("labels",)

    def __init__(self, by: str, classes: int, ignore: int = 255) -> None:
        self._estimate: Any = map_estimator(by)
        self._classes, self._ignore = classes, ignore

    @property
    def estimator_id(self) -> str:
        """Of the estimator, weights and all."""
        return str(self._estimate.id)

    def to(self, *, device: torch.device | str) -> Self:
        """Move the estimator; returns itself."""
        self._estimate = self._estimate.to(device=device)
        return self

    def __call__(self, images: Tensor, conditions: Sequence[Condition]) -> dict[str, Tensor]:
        """``uint8 [B,3,H,W]`` to intersections and unions in pixels, ``float64 [B]`` a class each.

        Raises:
            SampleError: a map of another size than the sample.
        """
        wanted = map_of(conditions, "labels", images).long()
        found = self._estimate(images).long()
        counted = wanted != self._ignore
        columns: dict[str, Tensor] = {}
        for number in range(self._classes):
            one, other = (found == number) & counted, (wanted == number) & counted
            columns[f"label_hit_{number}"] = (one & other).flatten(1).sum(1).double()
            columns[f"label_union_{number}"] = (one | other).flatten(1).sum(1).double()
        return columns

    @staticmethod
    def of_means(means: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Of means of intersections and unions, ``[R]`` by column, the mean of their ratios over classes, ``[R]``."""
        hits, unions = (
            np.stack([means[name] for name in means if name.startswith(f"label_{what}_")]) for what in ("hit", "union")
        )
        with np.errstate(invalid="ignore"):
            ratios = np.where(unions > 0, hits / unions, np.nan)
        known = ~np.isnan(ratios)
        means_of_classes: NDArray[np.float64] = np.where(known, ratios, 0.0).sum(axis=0) / np.maximum(
            known.sum(axis=0), 1
        )
        return means_of_classes
