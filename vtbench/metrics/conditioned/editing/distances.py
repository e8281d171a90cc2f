"""``l1`` and ``l2``: MagicBrush's distances of whole images, levels in [0, 1] (OSU-NLP-Group/MagicBrush@fcfc892)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vtbench.core.contracts import Condition
from vtbench.metrics.catalog.of_conditions.editing import EDITING_INFOS
from vtbench.metrics.conditioned.editing.masks import stacked
from vtbench.metrics.images.pixel import PEAK, Mae, check_pair, mean_squared_error, scored

if TYPE_CHECKING:
    from torch import Tensor


class L1:
    """Mean absolute difference.

    Args:
        role: of the image that is compared with: ``truth``, or ``source`` where no truth is known (EMU-Edit).
    """

    info = EDITING_INFOS["l1"]

    def __init__(self, role: str = "truth") -> None:
        self._role = role
        self.roles = (role,)

    def __call__(self, images: Tensor, conditions: Sequence[Condition]) -> Tensor:
        """``uint8 [B,3,H,W]`` to ``float64 [B]``."""
        others = stacked(conditions, self._role, images.device)
        check_pair(self.info.name, images, others)
        return self._score(images, others)

    def _score(self, images: Tensor, others: Tensor) -> Tensor:
        return Mae()(images, others) / PEAK


class L2(L1):
    """Mean squared difference, without a root."""

    info = EDITING_INFOS["l2"]

    def _score(self, images: Tensor, others: Tensor) -> Tensor:
        return scored(mean_squared_error, images, others) / PEAK**2
