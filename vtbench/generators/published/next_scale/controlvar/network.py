"""ControlVAR's transformer in the names of its published files: VAR's, over pairs of maps, after a class and a kind.

Written from the description in 2406.09750 and the names and shapes of the files. A scale holds the tokens of the
control map, then those of the image; all of a pair see one another and the pairs before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from vtbench.generators.published.next_scale.controlvar.settings import NO_CONTROL
from vtbench.generators.published.next_scale.var.network import VarGeometry, VarNetwork
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Paired:
    """What a pass takes of its conditions, of R rows.

    Attributes:
        classes: embedded, ``[R,width]``; they modulate all blocks.
        start: what the first pair is predicted from, the kind and the class, ``[R,2,width]``.
    """

    classes: Tensor
    start: Tensor


class ControlVarNetwork(VarNetwork):
    """Predicts the maps of a control image and of an image from a class, a kind of control and the scales before.

    Names beside those of :class:`VarNetwork`: ``cond_embed``; ``pos_start`` and ``pos_1LC`` are of pairs.

    Args:
        geometry: its sizes; its schedule is of pairs, :func:`paired`.
    """

    def __init__(self, geometry: VarGeometry) -> None:
        super().__init__(geometry)
        self.pos_start = nn.Parameter(torch.randn(1, 2, geometry.width) * geometry.width**-0.5)
        self.cond_embed = nn.Embedding(NO_CONTROL + 1, geometry.width)

    def conditioned(self, shown: tuple[Tensor, Tensor]) -> Paired:
        """Labels ``int64 [R]``, ``classes`` for none, and kinds ``int64 [R]``, ``NO_CONTROL`` for none."""
        labels, kinds = shown
        classes: Tensor = self.class_emb(labels)
        return Paired(classes, torch.stack([self.cond_embed(kinds), classes], dim=1))

    def start(self, condition: Paired) -> Tensor:
        """``[R,2,width]``."""
        return condition.start + self.pos_start

    def modulating(self, condition: Paired) -> Tensor:
        """Of the class alone, ``[R,width]``."""
        return condition.classes


def paired(schedule: ScaleSchedule) -> ScaleSchedule:
    """Of both maps, the control's above the image's."""
    return ScaleSchedule(tuple((2 * height, width) for height, width in schedule.sizes))


SIZES: dict[str, dict[str, int | bool]] = {
    **{
        f"d{depth}": {"depth": depth, "width": 64 * depth, "heads": depth, "cosine": depth == 30}
        for depth in (12, 16, 20, 24, 30)
    },
    "tiny": {"depth": 2, "width": 64, "heads": 2, "cosine": False},
}
"""Published sizes, of which the largest alone compares directions, and one for tests that no file has."""
