"""A time step as a vector: waves, then two layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from vtbench.networks.modulation import waves

if TYPE_CHECKING:
    from torch import Tensor

WAVES = 256


class EmbeddedTime(nn.Module):
    """Time steps ``[N]``, counted in thousandths of the way, to ``[N,width]``. Names: ``mlp.0``, ``mlp.2``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(WAVES, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, steps: Tensor) -> Tensor:
        # in float64 a step is the same whole number again behind the thousandth
        found = waves(steps.double() / 1000, WAVES)
        embedded: Tensor = self.mlp(found.to(next(self.mlp.parameters()).dtype))
        return embedded
