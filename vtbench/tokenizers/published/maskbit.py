"""``maskbit``: MaskBit's lookup-free tokenizers of 10 to 18 bits.

Held against the published code (markweberdev/maskbit, 5ea3d73) with equal seeded weights of the whole 14-bit network
(177 tensors with two buffers, 54.5 M parameters) on a CPU, two images of 256 pixels: all of 512 indices equal (414
distinct), reconstructions within 4.7e-5 at a magnitude of 4.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.tokenizers.published.base import Source
from vtbench.tokenizers.published.lookup_free import LookupFree

if TYPE_CHECKING:
    pass


class MaskBit(LookupFree):
    """The sign of each latent is a bit (LFQ); bit ``i`` has weight ``2**i`` in the published index too.

    Args:
        bits: bits a token.
        channels: width of the finest level.
        multipliers: width of each level as a multiple; each but the last halves the sides.
        blocks: residual blocks a level.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.
    """

    family = "maskbit"
    citation = "Weber et al., MaskBit: Embedding-free Image Generation via Bit Tokens, 2409.16211"
    value_range = "unit"
    ignore_unexpected = ("quantize.bits_to_indices", "quantize.codebook")  # follow from the number of bits
    shrunken: ClassVar[dict[str, Any]] = {"bits": 6, "channels": 32, "multipliers": (1, 2), "blocks": 1}

    def __init__(
        self,
        bits: int = 14,
        channels: int = 128,
        multipliers: Sequence[int] = (1, 1, 2, 2, 4),
        blocks: int = 2,
        **where: Unpack[WeightsFrom],
    ) -> None:
        self._setup(
            lambda: _network(channels, multipliers, bits, blocks),
            Source(**where),
            kind="discrete",
            codebook_sizes=(2**bits,),
            downsample_factor=2 ** (len(multipliers) - 1),
        )


def _network(channels: int, multipliers: Sequence[int], bits: int, blocks: int) -> Any:
    from vtbench.networks.maskgit import Network

    return Network(channels, multipliers, bits, blocks)
