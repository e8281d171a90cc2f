"""``softvq``: SoftVQ-VAE's and MAETok's one-dimensional continuous tokenizers of 32 to 128 tokens.

Held against the published code (Hhhhhhao/continuous_tokenizer, 7cc3e96) with equal seeded weights of whole networks
without the teacher, on a CPU, two images of 256 pixels: SoftVQ-L-64 (696 tensors, three of them unused here; 609.2 M
elements) and BL-64 (528 tensors), latents within 3.4e-7 at a magnitude of 0.2, reconstructions within 2.7e-6 at a
magnitude of 3.8; MAETok-B (364 tensors, eight of them unused here; 172.7 M), latents within 2.7e-6 at a magnitude of
4.2, reconstructions within 3.3e-6 at a magnitude of 3.9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.core.codes import Codes
from vtbench.core.errors import UsageError
from vtbench.networks.sizes import Sizes
from vtbench.tokenizers.published.base import OfficialTokenizer, Source

if TYPE_CHECKING:
    from torch import Tensor

SIZES = Sizes("softvq", {"small": (384, 12, 6), "base": (768, 12, 12), "large": (1024, 24, 16), "nano": (32, 2, 2)})
"""Width, layers and heads; ``nano`` is for tests."""


class SoftVQ(OfficialTokenizer):
    """Latents ``[B,C,N]``: mixtures of codebook entries, or, without codebooks, what the encoder gives.

    A code is the mixture itself, as generators over these tokens take it, not an index: 16 bits a value. MAETok has no
    codebooks, and its patches are turned by learnt rotations.

    Args:
        encoder: size of the encoder: ``small``, ``base`` or ``large`` (DINOv2's).
        decoder: size of the decoder.
        tokens: latent tokens, a multiple of ``codebooks``.
        channels: of a latent token.
        codebooks: which share the tokens evenly; 0 for none.
        codebook_size: entries of each.
        temperature: of the mixture.
        turned: learnt rotations of patches, a decoder without class token and learnt places.
        size: side of the images, in pixels; positions are learnt, so it is fixed.
        patch: side of a patch; divides ``size``.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: ``codebooks`` do not divide ``tokens``, or ``patch`` does not divide ``size``.
    """

    family = "softvq"
    citation = "Chen et al., SoftVQ-VAE: Efficient 1-Dimensional Continuous Tokenizer, 2412.10958"
    channels_last = False
    ignore_unexpected = (
        *("repa_model.*", "projection.*"),  # a teacher, and the way to it
        *("decoder_*.*", "post_quant_conv_*", "to_pixel_*", "hog_generator.*", "clip_model.*"),  # of training alone
        "quantize.codebook_used",  # a statistic
        "encoder.mask_token",  # stands for patches that training hides
        "decoder.model.patch_embed.*",  # the decoder sees no pixels
        *("encoder.freqs_t_?", "decoder.freqs_t_?"),  # places of the patches
    )
    shrunken: ClassVar[dict[str, Any]] = {
        **{"encoder": "nano", "decoder": "nano", "tokens": 8, "channels": 8, "codebooks": 2, "codebook_size": 16},
        **{"size": 32, "patch": 8},
    }

    def __init__(
        self,
        encoder: str = "large",
        decoder: str = "large",
        tokens: int = 64,
        channels: int = 32,
        codebooks: int = 4,
        codebook_size: int = 8192,
        temperature: float = 0.07,
        turned: bool = False,
        size: int = 256,
        patch: int = 16,
        **where: Unpack[WeightsFrom],
    ) -> None:
        if (codebooks and tokens % codebooks) or size % patch:
            raise UsageError(
                f"softvq: tokens={tokens}, codebooks={codebooks}, size={size}, patch={patch}",
                "codebooks divide tokens, and patch divides size",
            )
        self._temperature, self._turned = temperature, turned
        sizes: dict[str, Any] = {
            "tokens": tokens,
            "channels": channels,
            "codebooks": codebooks,
            "entries": codebook_size,
        }
        sizes |= {"size": size, "patch": patch, "turned": turned}
        trunks = (SIZES[encoder], SIZES[decoder])
        self._setup(
            lambda: _network(*trunks, **sizes),
            Source(**where),
            kind="continuous",
            native_size=size,
            fixed_size=True,
        )

    def _convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        unused = {"decoder.model.pos_embed"} if self._turned else set()
        return {name: tensor for name, tensor in state.items() if name not in unused}

    def _encode(self, images: Tensor) -> Codes:
        return Codes(latents=self._network.encode(images, self._temperature))

    def _decode(self, codes: Codes) -> Tensor:
        assert codes.latents is not None
        output: Tensor = self._network.decode(codes.latents.to(self._dtype))
        return output


def _network(encoder: tuple[int, int, int], decoder: tuple[int, int, int], **sizes: Any) -> Any:
    from vtbench.networks.vision_transformer import Trunk
    from vtbench.tokenizers.published.softvq.network import Geometry, Network

    first, second = (Trunk(width=width, layers=layers, heads=heads) for width, layers, heads in (encoder, decoder))
    return Network(Geometry(encoder=first, decoder=second, **sizes))
