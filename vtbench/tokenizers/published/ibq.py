"""``ibq``: IBQ's tokenizers, taming-transformers' network around a codebook that is looked up by inner product.

Held against the published code (TencentARC/SEED-Voken, b9a17ea) with equal seeded weights of whole networks (543
tensors), averaged ones beside raw ones that are others, on a CPU, two images of 256 pixels: 16,384 entries (111.0 M),
all of 512 indices equal (449 distinct), reconstructions within 5.2e-5 at a magnitude of 3.4; 262,144 entries (173.9 M),
512 of 512 (432 distinct), 4.3e-5. The published code takes the largest softmax: the same entry, but for exact ties.

Emu3.5's tokenizer is the same network of twice the width (baaivision/Emu3.5, 8fcf1da: 543 tensors, 455.3 M; geometry
after its configuration as transformers' Apertus 1.5 converts it): 512 of 512 indices (205 distinct of 131,072),
reconstructions within 1.9e-5 at 2.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.averages import chosen_weights, told_choice, wants_averages
from vtbench.checkpoints.loading import WeightsFrom
from vtbench.core.codes import Codes
from vtbench.networks.nearest import largest_products
from vtbench.tokenizers.published.ldm.adapter import LdmVQ

if TYPE_CHECKING:
    from torch import Tensor


class Ibq(LdmVQ):
    """An index a position, of the codebook entry with the largest inner product.

    Averaged (EMA) weights, as the authors evaluate them.

    Args:
        channels: width of the finest level.
        multipliers: width of each level as a multiple; each level but the last halves the sides.
        codebook_dim: width of a codebook entry, and of the encoder's output.
        codebook_size: entries.
        blocks: residual blocks a level; the decoder has one more.
        norm_groups: groups of every group norm.
        weights: ``"ema"``, the averaged ones, or ``"raw"``, those of the last training step.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.
    """

    family = "ibq"
    citation = "Shi et al., Scalable Image Tokenization with Index Backpropagation Quantization, 2412.02692"
    keys = ("state_dict",)
    ignore_unexpected = ("loss.*",)
    shrunken: ClassVar[dict[str, Any]] = {
        **{"channels": 8, "multipliers": (1, 2), "codebook_dim": 6, "codebook_size": 32},
        **{"blocks": 1, "norm_groups": 4},
    }

    def __init__(
        self,
        channels: int = 128,
        multipliers: Sequence[int] = (1, 1, 2, 2, 4),
        codebook_dim: int = 256,
        codebook_size: int = 16384,
        blocks: int = 4,
        norm_groups: int = 32,
        weights: str = "ema",
        **where: Unpack[WeightsFrom],
    ) -> None:
        self._averaged = wants_averages(weights, self.family)
        super().__init__(
            channels,
            multipliers,
            latent_channels=codebook_dim,
            codebook_dim=codebook_dim,
            codebook_size=codebook_size,
            blocks=blocks,
            norm_groups=norm_groups,
            **where,
        )

    def _convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        self._choices = told_choice(state, self._averaged)
        return super()._convert(chosen_weights(state, self._averaged, self.family))

    def _encode(self, images: Tensor) -> Codes:
        latents = self._network.encode(images).latents
        return Codes(levels=(largest_products(latents, self._network.quantize.embedding.weight),))
