"""``vtp``: VTP's continuous tokenizers, vision transformers that were also trained to know what they see.

Held against the published code (MiniMax-AI/VTP, 5ce1eb6) with equal seeded weights of whole networks without their text
towers, on a CPU, two images: VTP-L (638 tensors, three of them unused here; 607.1 M elements) and S (326 tensors, 43.2
M) at 256 pixels, B (326 tensors, 171.4 M) at 256x192. Latents are equal in every bit at magnitudes of 3.8 to 4.2,
reconstructions within 1.2e-7 at a magnitude of 1.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.core.codes import Codes
from vtbench.networks.sizes import Sizes
from vtbench.tokenizers.published.base import OfficialTokenizer, Source

if TYPE_CHECKING:
    from torch import Tensor

SIZES = Sizes("vtp", {"small": (384, 12, 6), "base": (768, 12, 12), "large": (1024, 24, 16), "nano": (64, 2, 4)})
"""Width, layers and heads; ``nano`` is for tests."""


class Vtp(OfficialTokenizer):
    """Latents ``[B,C,h,w]`` of a bottleneck after the encoder, without noise; nothing of them is drawn.

    There are no learnt positions: sizes other than the trained 256 pixels are padded and cropped. Rotations are in
    bfloat16 whatever the precision, as in the published code, so that they differ between devices by its rounding.

    Args:
        encoder: size of the encoder: ``small``, ``base`` or ``large``.
        decoder: size of the decoder.
        channels: of the latents.
        patch: side of a patch, in pixels.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.
    """

    family = "vtp"
    citation = "Yao et al., Towards Scalable Pre-training of Visual Tokenizers for Generation, 2512.13687"
    value_range = "unit"
    channels_last = False
    ignore_unexpected = (
        *("text_transformer.*", "token_embedding.*", "positional_embedding", "ln_final.*", "text_projection*"),
        *("visual_proj.*", "logit_scale", "logit_bias"),  # for comparison with text
        "trunk.mask_token",  # stands for patches that training hides
        "*.rope_embed.periods",  # follow from the width of a head
    )
    shrunken: ClassVar[dict[str, Any]] = {"encoder": "nano", "decoder": "nano", "channels": 8, "patch": 8}

    def __init__(
        self,
        encoder: str = "large",
        decoder: str = "large",
        channels: int = 64,
        patch: int = 16,
        **where: Unpack[WeightsFrom],
    ) -> None:
        sizes = (SIZES[encoder], SIZES[decoder])
        self._setup(
            lambda: _network(*sizes, channels, patch),
            Source(**where),
            kind="continuous",
            downsample_factor=patch,
        )

    def _encode(self, images: Tensor) -> Codes:
        return Codes(latents=self._network.encode(images))

    def _decode(self, codes: Codes) -> Tensor:
        assert codes.latents is not None
        output: Tensor = self._network.decode(codes.latents.to(self._dtype))
        return output


def _network(encoder: tuple[int, int, int], decoder: tuple[int, int, int], channels: int, patch: int) -> Any:
    from vtbench.networks.vision_transformer import Trunk
    from vtbench.tokenizers.published.vtp.network import Geometry, Network

    trunks = [Trunk(width=width, layers=layers, heads=heads) for width, layers, heads in (encoder, decoder)]
    return Network(Geometry(encoder=trunks[0], decoder=trunks[1], channels=channels, patch=patch))
