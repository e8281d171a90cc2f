"""``infinity-bsq``: Infinity's multi-scale tokenizers of 16 to 64 bits: they encode square images, and decode any.

Held against the published code (FoundationVision/Infinity, 4c27bbb) with equal seeded weights of the whole 32-bit
network (270 tensors with two buffers, 110.1 M parameters) on a CPU, two images of 256 pixels: all of 33,344 bits equal
(half of them set), reconstructions within 1.3e-5 in [0, 1]. The same of the network of 8-fold downsampling, 14 bits a
latent and 2x2 latents a token (226 tensors with two buffers, 81.6 M), one image: all of 29,176 bits equal (half of them
set), reconstructions within 1.1e-5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
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
        patch: latents along a side of a token; ``bits`` is what all of them have together.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: no scale has the grid of ``size``, or the bits of a token do not go round its latents.
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
        patch: int = 1,
        **where: Unpack[WeightsFrom],
    ) -> None:
        if patch < 1 or bits % patch**2:
            raise UsageError(f"infinity-bsq: {bits} bits cannot be shared by {patch}x{patch} latents")
        factor = patch * 2 ** (len(multipliers) - 1)
        if size % factor or size // factor not in SCALES:
            known = ", ".join(str(side * factor) for side in SCALES)
            raise UsageError(f"infinity-bsq has no scales for {size} pixels", f"size is one of {known}")
        self._patch = patch
        self._scales = SCALES[: SCALES.index(size // factor) + 1]
        self._setup(
            lambda: _network(channels, multipliers, bits // patch**2, blocks),
            Source(**where),
            kind="discrete",
            codebook_sizes=(2**bits,) * len(self._scales),
            downsample_factor=factor,
            native_size=size,
            fixed_size=True,
        )

    @property
    def scales(self) -> tuple[int, ...]:
        """Sides of the scales of a square image of its size, in tokens, coarsest first."""
        return self._scales

    @property
    def patch(self) -> int:
        """Latents along a side of a token."""
        return self._patch

    def _convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        return renamed(state, _NAMES)

    def latents(self, images: Tensor) -> Tensor:
        """Images in [0, 1], of any sides that it divides, to latents that are not quantised: ``float32 [B,C,h,w]``."""
        import torch

        ranged = images.mul(2.0).sub(1.0) if self.value_range == "signed" else images
        with torch.inference_mode():
            found: Tensor = self._network.encoder(ranged.to(self._dtype)).float()
            return found

    def _encode(self, images: Tensor) -> Codes:
        import torch.nn.functional as F

        from vtbench.networks.next_scale.bitwise import spread

        rest, found = self._network.encoder(images).float(), []
        sides = (rest.shape[-2], rest.shape[-1])
        for side in self._scales:
            latents = side * self._patch
            small = rest if side == self._scales[-1] else F.interpolate(rest, size=(latents, latents), mode="area")
            tokens = F.pixel_unshuffle(small, self._patch) if self._patch > 1 else small
            found.append(to_bits(tokens, first_is_highest=True))
            rest = rest - spread(self._latents(found[-1]), sides)
        return Codes(bits=tuple(found))

    def _decode(self, codes: Codes) -> Tensor:
        from vtbench.networks.next_scale.bitwise import spread

        sides = self._sides(codes)
        total = spread(self._latents(codes.bits[0]), sides)
        for bits in codes.bits[1:]:
            total = total + spread(self._latents(bits), sides)
        output: Tensor = self._network.decoder(total.to(self._dtype))
        return output.clamp(-1, 1)

    def _sides(self, codes: Codes) -> tuple[int, int]:
        """Of the latents: those of the last scale, or of the image, where codes of finer scales were left out."""
        last, factor = codes.bits[-1].shape[1:3], self.info.downsample_factor
        image = codes.image_size or (0, 0)
        height, width = (max(side, -(-pixels // factor)) for side, pixels in zip(last, image, strict=True))
        return height * self._patch, width * self._patch

    def _latents(self, bits: Tensor) -> Tensor:
        """Of one scale, at its own sides, in float32."""
        import torch

        from vtbench.networks.next_scale.bitwise import on_sphere

        return on_sphere(to_signs(bits, torch.float32, first_is_highest=True), self._patch)


def _network(channels: int, multipliers: Sequence[int], bits: int, blocks: int) -> Any:
    from torch import nn

    from vtbench.networks.convolutional import Decoder, Encoder

    encoder = Encoder(channels, multipliers, bits, blocks, attention=False)
    decoder = Decoder(channels, multipliers, bits, blocks, attention=False)
    return nn.ModuleDict({"encoder": encoder, "decoder": decoder})
