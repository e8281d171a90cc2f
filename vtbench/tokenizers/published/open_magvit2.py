"""``open-magvit2``: Open-MAGVIT2's image tokenizers, with averaged (EMA) weights as its authors evaluate them.

Held against the published code (TencentARC/SEED-Voken, b9a17ea) with equal seeded weights of the whole network (339
tensors, 115.1 M parameters) on a CPU, two images of 256 pixels: all of 512 indices equal (496 distinct),
reconstructions within 1.6e-5 at a magnitude of 2.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.averages import chosen_weights, told_choice, wants_averages
from vtbench.checkpoints.loading import WeightsFrom
from vtbench.tokenizers.published.base import Source
from vtbench.tokenizers.published.lookup_free import LookupFree

if TYPE_CHECKING:
    from torch import Tensor


class OpenMagvit2(LookupFree):
    """The sign of each latent is a bit (LFQ); bit ``i`` has weight ``2**i`` in the published index too.

    Args:
        bits: bits a token.
        channels: width of the finest level.
        multipliers: width of each level as a multiple; each but the last halves the sides.
        blocks: residual blocks a level.
        weights: ``"ema"``, the averaged ones, or ``"raw"``, those of the last training step.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.
    """

    family = "open-magvit2"
    citation = (
        "Luo et al., Open-MAGVIT2: An Open-Source Project Toward Democratizing Auto-regressive Visual Generation, "
        "2409.04410"
    )
    keys = ("state_dict",)
    ignore_unexpected = ("loss.*", "quantize.*")
    shrunken: ClassVar[dict[str, Any]] = {"bits": 6, "channels": 32, "multipliers": (1, 1), "blocks": 1}

    def __init__(
        self,
        bits: int = 18,
        channels: int = 128,
        multipliers: Sequence[int] = (1, 1, 2, 2, 4),
        blocks: int = 4,
        weights: str = "ema",
        **where: Unpack[WeightsFrom],
    ) -> None:
        self._averaged = wants_averages(weights, self.family)
        self._setup(
            lambda: _network(channels, multipliers, bits, blocks),
            Source(**where),
            kind="discrete",
            codebook_sizes=(2**bits,),
            downsample_factor=2 ** (len(multipliers) - 1),
        )

    def _convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        self._choices = told_choice(state, self._averaged)
        return chosen_weights(state, self._averaged, self.family)


def _network(channels: int, multipliers: Sequence[int], bits: int, blocks: int) -> Any:
    from vtbench.networks.magvit2 import Network

    return Network(channels, multipliers, bits, blocks)
