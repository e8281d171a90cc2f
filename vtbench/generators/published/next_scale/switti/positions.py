"""Where the tokens of all scales stand: every scale is spread over one extent, so that its first and its last row stand
where those of all others do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from vtbench.networks.rotary import HeldTable

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.published.next_scale.switti.geometry import SwittiGeometry

BASE = 10_000.0


class SpreadPositions:
    """Rotations of the positions of every scale, no state of a module.

    Args:
        geometry: gives scales, extent and channels of a head.
    """

    def __init__(self, geometry: SwittiGeometry) -> None:
        self._geometry = geometry
        self._held = HeldTable(lambda: spread_table(geometry))

    def rotations(self, first: int, scales: int, device: torch.device) -> Tensor:
        """``float32 [T,head_width/2,2]`` of so many scales in a row."""
        schedule = self._geometry.schedule
        return self._held.on(device)[schedule.before(first) : schedule.before(first + scales)]


def spread_table(geometry: SwittiGeometry) -> Tensor:
    """``float32 [N,head_width/2,2]`` of the N tokens of all scales.

    Half of the pairs turn by the column, then half by the row: pair j of either by ``e/(s-1) p base^(-4j/head_width)``
    at place p of a side of s tokens, with the extent e; a side of one token has one place, 0.
    """
    exponents = torch.arange(0, geometry.head_width, 4).float() / geometry.head_width
    frequencies = 1.0 / BASE**exponents
    tables = []
    for height, width in geometry.schedule.sizes:
        rows = torch.outer(torch.arange(height).float(), frequencies * (geometry.extent / max(height - 1, 1)))
        columns = torch.outer(torch.arange(width).float(), frequencies * (geometry.extent / max(width - 1, 1)))
        grid = (columns[None].expand(height, -1, -1), rows[:, None].expand(-1, width, -1))
        angles = torch.cat(grid, dim=-1).flatten(0, 1)
        tables.append(torch.stack([angles.cos(), angles.sin()], dim=-1))
    return torch.cat(tables)
