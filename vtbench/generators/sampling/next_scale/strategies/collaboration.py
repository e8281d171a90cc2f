"""Two networks for one image: a large one drafts the first scales, a small one refines them with the last.

Chen et al., Collaborative Decoding Makes Visual Auto-Regressive Modeling Efficient, CVPR 2025, 2411.17787, section 3.

Held against czg1225/CoDe (bfb204d) on a CPU in float32 with equal random weights, a drafter of three blocks and a
refiner of two, an image at a time with the authors' settings and their own draws: all 680 codes of eight images equal
(about 590 distinct), two for each of 6, 7, 8 and 9 drafted scales; images within 7e-7 in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vtbench.core.errors import UsageError
from vtbench.core.info import WeightFile
from vtbench.generators.sampling.next_scale.strategy import ScaleStrategy

if TYPE_CHECKING:
    from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
    from vtbench.generators.sampling.next_scale.strategy import NextScaleHost


@dataclass(frozen=True, eq=False, kw_only=True)
class Refiner:
    """The network that takes over, and what a record says of it.

    Attributes:
        network: in evaluation mode; of the host's scales and vocabulary.
        name: of the generator that it was taken from.
        revision: of its weights.
        parameters: of the network.
        weights: its files.
    """

    network: Any
    name: str
    revision: str
    parameters: int
    weights: tuple[WeightFile, ...] = ()


@dataclass(frozen=True)
class Collaboration(ScaleStrategy):
    """The host predicts the first scales. The refiner sees all of them at once, block-causally, and predicts the rest.

    Both draw from an image's one stream of random numbers: the authors give each the same seed, and have the refiner
    draw for the drafted scales, too, and throw that away, so that its stream stands where the drafter's does.

    Attributes:
        refiner: the network that takes over.
        drafted: scales of the host; all of them leaves the refiner nothing.
    """

    refiner: Refiner
    drafted: int

    def checked(self, schedule: ScaleSchedule) -> Collaboration:
        """Itself, if it is one of these scales.

        Raises:
            UsageError: more scales are drafted than there are, or none.
        """
        if not 1 <= self.drafted <= len(schedule):
            raise UsageError(
                f"drafted_scales={self.drafted}: must be 1 to {len(schedule)}",
                "8 of 10 is the authors' middle; all of them is the drafter alone",
            )
        return self

    def as_recorded(self) -> dict[str, Any]:
        """Every setting, and which network refines."""
        refiner = self.refiner
        return {
            "strategy": "code",
            "strategy_drafted_scales": self.drafted,
            "strategy_refiner": refiner.name,
            "strategy_refiner_revision": refiner.revision,
            "strategy_refiner_parameters": refiner.parameters,
        }

    def networks(self) -> tuple[Any, ...]:
        """The refiner's."""
        return (self.refiner.network,)

    def weights(self) -> tuple[WeightFile, ...]:
        """The refiner's."""
        return self.refiner.weights

    def role_of(self, scale: int) -> str:
        """``drafter`` or ``refiner``."""
        return "drafter" if scale < self.drafted else "refiner"

    def host_of(self, scale: int, host: NextScaleHost) -> NextScaleHost:
        """The host itself for drafted scales."""
        if scale < self.drafted:
            return host
        found: NextScaleHost = self.refiner.network
        return found
