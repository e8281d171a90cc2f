"""Where the tokens of all scales stand: rotations by rows and columns of the finest scale.

Row i of a scale of h rows stands at row i·H/h of the finest, of H, rounded half to even; columns likewise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from vtbench.networks.rotary import HeldTable, grid_table, rotate

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.published.next_scale.infinity.schedules import Sides
    from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule

Turn = Callable[["Tensor"], "Tensor"]


class ScalePositions:
    """Rotations of the positions of every scale, no state of a module.

    Args:
        schedule: of the scales.
        finest: sides on which positions are counted.
        head_width: channels of a head; a multiple of four.
    """

    def __init__(self, schedule: ScaleSchedule, finest: Sides, head_width: int) -> None:
        self._schedule, self._finest, self._head_width = schedule, finest, head_width
        self._held = HeldTable(self._table)

    def rotations(self, first: int, scales: int, device: torch.device) -> Tensor:
        """``float32 [T,head_width/2,2]`` of so many scales in a row."""
        begin, end = self._schedule.before(first), self._schedule.before(first + scales)
        return self._held.on(device)[begin:end]

    def _table(self) -> Tensor:
        return scale_table(self._schedule, self._finest, self._head_width)


def scale_table(schedule: ScaleSchedule, finest: Sides, head_width: int) -> Tensor:
    """``float32 [N,head_width/2,2]`` of the N tokens of all scales; arguments as of :class:`ScalePositions`."""
    height, width = finest
    whole = grid_table(height, width, head_width).view(height, width, -1, 2)
    parts = []
    for rows, columns in schedule.sizes:
        row, column = _places(rows, height), _places(columns, width)
        parts.append(whole[row[:, None], column[None]].flatten(0, 1))
    return torch.cat(parts)


def turning(rotations: Tensor, kept: Tensor | None) -> Turn:
    """Turns queries and keys ``[R,heads,T',D]``.

    Args:
        rotations: ``[T,D/2,2]``.
        kept: places ``int64 [R,T']`` among the T; ``None`` for all.
    """
    table = rotations if kept is None else rotations[kept]
    return lambda x: rotate(x.transpose(1, 2), table).transpose(1, 2)


def _places(count: int, among: int) -> Tensor:
    return (torch.arange(count) * (among / count)).round().long()
