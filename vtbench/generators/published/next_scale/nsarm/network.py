"""NSARM's network: Infinity's, and the one that makes the first scales of a small image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtbench.generators.published.next_scale.infinity.network import InfinityNetwork
from vtbench.generators.published.next_scale.nsarm.mapping import MapGeometry, ScaleMap
from vtbench.generators.sampling.next_scale.strategy import DrawnScale, ScaleStrategy

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.published.next_scale.infinity.geometry import InfinityGeometry


class NsarmNetwork(InfinityNetwork):
    """Names: those of Infinity, and ``map_transformer``.

    Args:
        geometry: of Infinity's network.
        mapped: of the network that makes the first scales.
    """

    def __init__(self, geometry: InfinityGeometry, mapped: MapGeometry) -> None:
        super().__init__(geometry)
        self.map_transformer = ScaleMap(mapped)


@dataclass(frozen=True, eq=False)
class GivenScales(ScaleStrategy):
    """The first scales are given. They are predicted and drawn all the same, which fills the cache, and what was drawn
    is let go.

    Attributes:
        codes: bits of each, ``int64 [B,T,C]``.
    """

    codes: tuple[Tensor, ...] = ()

    def refined(self, drawn: DrawnScale) -> Tensor:
        """The codes that a scale goes on with."""
        return self.codes[drawn.scale] if drawn.scale < len(self.codes) else drawn.codes
