"""FlexVAR's transformer in the names of its published files: VAR's, with places on one map, resized to every scale.

No embedding says which scale a map is, so that any list of sides can be asked for.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from vtbench.generators.published.next_scale.var.network import SIZES as HOST_SIZES
from vtbench.generators.published.next_scale.var.network import ScaleNetwork, VarGeometry

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 32
"""Of the map of places."""
WAVELENGTH = 10_000.0

SIZES = {name: HOST_SIZES[name] for name in ("d16", "d20", "d24", "tiny")}
"""Published sizes, and one for tests that no file has."""


class FlexVarNetwork(ScaleNetwork):
    """Predicts the token maps of an image from its class and the maps before.

    Name beside those of :class:`ScaleNetwork`: ``pos_1LC``, a trained map that began as waves.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: VarGeometry) -> None:
        super().__init__(geometry)
        self.pos_1LC = nn.Parameter(waves(geometry.width))

    def places(self, scale: int) -> Tensor:
        """The map's means over the areas of the scale's cells, ``[1,T,width]``."""
        resized = F.interpolate(self.pos_1LC, size=self.geometry.schedule.sizes[scale], mode="area")
        return resized.flatten(2).transpose(1, 2)


def waves(channels: int) -> Tensor:
    """``float32 [1,C,32,32]``: channel 2j is the sine of the row times a frequency, 2j+1 the cosine of the column times
    the same one, 10000^(-2j/C)."""
    frequencies = torch.exp(torch.arange(0, channels, 2, dtype=torch.float32) * -(math.log(WAVELENGTH) / channels))
    steps = torch.arange(SIDE, dtype=torch.float32)
    angles = torch.outer(frequencies, steps)
    rows = angles.sin()[:, :, None].expand(-1, SIDE, SIDE)
    columns = angles.cos()[:, None, :].expand(-1, SIDE, SIDE)
    return torch.stack([rows, columns], dim=1).flatten(0, 1)[None].contiguous()
