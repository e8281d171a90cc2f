"""``infinity-bsq``: Infinity's multi-scale tokenizers of 16 to 64 bits, on square images.

Held against the published code (FoundationVision/Infinity, 4c27bbb) with equal seeded weights of the whole 32-bit
network (270 tensors with two buffers, 110.1 M parameters) on a CPU, two images of 256 pixels: all of 33,344 bits equal
(half of them set), reconstructions within 1.3e-5 in [0, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from vtbench.checkpoints.naming import renamed
from vtbench.core.codes import Codes
from vtbench.core.errors import UsageError
from vtbench.networks.binary import to_bits, to_signs
from vtbench.tokenizers.published.base import OfficialTokenizer, Source

if TYPE_CHECKING:
    from torch import Tensor

SCALES = (1, 2, 4, 6, 8, 12, 16, 20, 24, 32, 40, 48, 64)
"""Sides of the scales of square images up to 1024 pixels; smaller images take the first of them."""
_NAMES = (
    (r"\.(downsample|upsample)\.conv\.conv\.", r".\1.conv."),
    (r"\.(conv_in|conv_out|conv1|conv2|nin_shortcut)\.conv\.", r".\1."),
    (r"\.(norm1|norm2|norm_out)\.norm\.", r".\1."),
)


class InfinityBsq(OfficialTokenizer):
    """Residual binary spherical quantisation, a level a scale, coarsest first; bits are signs.

    The published index counts the first sign as the highest bit, ``Codes.bits`` tells the lowest bit first.

    Args:
        bits: bits a token.
        size: side of the images, in pixels: 256, 512, 768 or 1024; other images are resized to it.
        channels: width of the finest level.
        multipliers: width of each level as a multiple; each but the last halves the sides.
        blocks: residual blocks a level; the decoder has one more.
        checkpoint: local file instead of the card's, or a folder that holds one checkpoint.
        card: name of the card whose checkpoint and description are used.
        random_weights_seed: seeded random weights instead.
        entry: of the checkpoint, that holds the weights; the card's or the family's choice unless given.

    Raises:
        UsageError: no scale has the grid of ``size``.
    """

    family = "infinity-bsq"
    citation = (
        "Han et al., Infinity: Scaling Bitwise AutoRegressive Modeling for High-Resolution Image Synthesis, 2412.04431"
    )
    keys = ("vae", "ema")
    ignore_unexpected = ("quantizer.lfq.mask", "quantize.lfq.mask")  # follow from the number of bits
    shrunken: ClassVar[dict[str, Any]] = {
        **{"bits": 6, "size": 16, "channels": 32, "multipliers": (1, 1), "blocks": 1},
    }

    def __init__(
        self,
        bits: int = 32,
        size: int = 256,
        channels: int = 128,
        multipliers: Sequence[int] = (1, 2, 4, 4, 4),
        blocks: int = 2,
        checkpoint: str | None = None,
        card: str | None = None,
        random_weights_seed: int | None = None,
        entry: str | None = None,
    ) -> None:
        factor = 2 ** (len(multipliers) - 1)
        if size % factor or size // factor not in SCALES:
            known = ", ".join(str(side * factor) for side in SCALES)
            raise UsageError(f"infinity-bsq has no scales for {size} pixels", f"size is one of {known}")
        self._scales = SCALES[: SCALES.index(size // factor) + 1]
        self._setup(
            lambda: _network(channels, multipliers, bits, blocks),
            Source(checkpoint, card, random_weights_seed, entry),
            kind="discrete",
            codebook_sizes=(2**bits,) * len(self._scales),
            downsample_factor=factor,
            native_size=size,
            fixed_size=True,
        )

    def _convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        return renamed(state, _NAMES)

    def _encode(self, images: Tensor) -> Codes:
        import torch.nn.functional as F

        rest, found = self._network.encoder(images).float(), []
        for side in self._scales:
            small = rest if side == self._scales[-1] else F.interpolate(rest, size=(side, side), mode="area")
            found.append(to_bits(small, first_is_highest=True))
            rest = rest - self._contribution(found[-1])
        return Codes(bits=tuple(found))

    def _decode(self, codes: Codes) -> Tensor:
        total = self._contribution(codes.bits[0])
        for bits in codes.bits[1:]:
            total = total + self._contribution(bits)
        output: Tensor = self._network.decoder(total.to(self._dtype))
        return output.clamp(-1, 1)

    def _contribution(self, bits: Tensor) -> Tensor:
        """What one scale adds, at the sides of the last one, in float32."""
        import torch
        import torch.nn.functional as F

        on_sphere: Tensor = to_signs(bits, torch.float32, first_is_highest=True) / bits.shape[-1] ** 0.5
        side = self._scales[-1]
        if on_sphere.shape[-1] == side:
            return on_sphere
        spread: Tensor = F.interpolate(on_sphere, size=(side, side), mode="bilinear")
        return spread


def _network(channels: int, multipliers: Sequence[int], bits: int, blocks: int) -> Any:
    from torch import nn

    from vtbench.networks.convolutional import Decoder, Encoder

    encoder = Encoder(channels, multipliers, bits, blocks, attention=False)
    decoder = Decoder(channels, multipliers, bits, blocks, attention=False)
    return nn.ModuleDict({"encoder": encoder, "decoder": decoder})
