"""``tokenflow``: TokenFlow's tokenizers, whose codes are chosen by meaning and looks together.

Held against the published code (ByteVisionLab/TokenFlow, 9812da0, its SigLIP being transformers' class) with equal
seeded weights on a CPU: the whole of ``tokenflow-clipb-32k`` (649 tensors, of which 599 are used here), two images: all
of 1,634 indices equal (1,457 distinct), reconstructions within 1.4e-5 at a magnitude of 1.7; the whole of
``tokenflow-siglip-32k`` (848, 767), one image, on four threads: all of 2,227 equal (2,068 distinct), 1.6e-5 at 3.3. On
two threads 15 of them differed: the two nearest entries lie within 8e-6 of each other at two of the scales. Small
networks of both forms: all of 42 indices equal (27 and 24 distinct), within 4.8e-6 at 2.5 and 3.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.core.codes import Codes
from vtbench.core.errors import UsageError
from vtbench.networks.nearest import normalise_rows
from vtbench.networks.sizes import Sizes
from vtbench.tokenizers.published.base import OfficialTokenizer, Source

if TYPE_CHECKING:
    from torch import Tensor

Teacher = Literal["clip", "siglip"]
ENCODERS = Sizes(
    "tokenflow's encoder", {"base": (768, 12, 12, 3072), "so400m": (1152, 26, 16, 4304), "nano": (32, 2, 2, 64)}
)
"""Width, layers, heads and width of the perceptron; SO400M has 27 layers, of which the last is not used."""
DECODERS = Sizes("tokenflow's decoder", {"plain": (128, 2), "enhanced": (256, 4), "nano": (32, 1)})
"""Width of the finest level, and residual blocks a level, less one; ``nano`` is for tests."""
CLIP_SCALES = (1, 2, 4, 6, 8, 10, 12, 14, 16)


class TokenFlow(OfficialTokenizer):
    """A level a scale, coarsest first, all of one codebook: an index stands for a meaning and for looks.

    Pixels are decoded from the looks alone. The semantic decoder, which is held against a teacher, is left out.
    Averaged weights where the file has them.

    Args:
        teacher: ``clip``, which is fed [-1, 1] as it is and resamples its places, or ``siglip``.
        encoder: size of the semantic encoder: ``base`` or ``so400m``.
        decoder: of the pixel decoder: ``plain`` or ``enhanced``.
        scales: sides of the token maps.
        channels: width of the finest level of the pixel encoder.
        multipliers: width of each level as a multiple; each but the last halves the sides.
        latents: channels between the convolutions and the codes.
        semantic: channels of a code that tell what it means.
        visual: channels of a code that tell what it looks like.
        codebook_size: entries.
        patch: side of a patch of the semantic encoder.
        rest: pixels a side that no patch covers: the images are ``scales[-1]*patch + rest`` pixels a side.
        positions: side of CLIP's grid of learnt places.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: an unknown teacher or size, or fewer than two scales.
    """

    family = "tokenflow"
    citation = "Qu et al., TokenFlow: Unified Image Tokenizer for Multimodal Understanding and Generation, 2412.03069"
    keys = ("ema", "model", "state_dict")
    ignore_unexpected = (
        *("decoder_vqkd.*", "decode_task_layer.*", "scaling_layer.*"),  # the way to a teacher; constants
        *("encoder_vqkd.vision_model.encoder.layers.26.*", "encoder_vqkd.vision_model.post_layernorm.*"),
        *("encoder_vqkd.vision_model.head.*", "encoder_vqkd.proj", "encoder_vqkd.*.position_ids"),
        "quantize.codebook_used",  # a statistic
    )
    shrunken: ClassVar[dict[str, Any]] = {
        **{"encoder": "nano", "decoder": "nano", "scales": (1, 2, 4), "channels": 32, "multipliers": (1, 1, 1)},
        **{"latents": 16, "codebook_size": 64, "patch": 4, "positions": 3},
    }

    def __init__(
        self,
        teacher: Teacher = "clip",
        encoder: str = "base",
        decoder: str = "enhanced",
        scales: Sequence[int] = CLIP_SCALES,
        channels: int = 128,
        multipliers: Sequence[int] = (1, 1, 2, 2, 4),
        latents: int = 256,
        semantic: int = 32,
        visual: int = 8,
        codebook_size: int = 32768,
        patch: int = 16,
        rest: int = 0,
        positions: int = 14,
        **where: Unpack[WeightsFrom],
    ) -> None:
        if teacher not in get_args(Teacher) or len(scales) < 2:
            raise UsageError(
                f"tokenflow: teacher={teacher}, scales={list(scales)}",
                f"teacher is one of {', '.join(get_args(Teacher))}; scales are at least two",
            )
        self._levels = len(multipliers)
        size = scales[-1] * patch + rest
        sizes: dict[str, Any] = {"teacher": teacher, "encoder": ENCODERS[encoder], "decoder": DECODERS[decoder]}
        sizes |= {"scales": tuple(scales), "channels": channels, "multipliers": tuple(multipliers)}
        sizes |= {"latents": latents, "semantic": semantic, "visual": visual, "entries": codebook_size}
        sizes |= {"patch": patch, "positions": positions, "size": size}
        self._setup(
            lambda: _network(**sizes),
            Source(**where),
            kind="discrete",
            codebook_sizes=(codebook_size,) * len(scales),
            shared_codebook=True,
            native_size=size,
            fixed_size=True,
        )

    def _convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        from vtbench.tokenizers.published.tokenflow.network import from_published

        return from_published(state, self._levels)

    def _finish(self, network: Any) -> None:
        normalise_rows(network.quantize.embedding_vqkd)
        normalise_rows(network.quantize.embedding_vqgan)

    def _encode(self, images: Tensor) -> Codes:
        return Codes(levels=self._network.encode(images))

    def codebook(self, level: int) -> Tensor:
        """Both entries of an index, one after the other: their distances add up."""
        import torch

        quantiser = self._network.quantize
        return torch.cat((quantiser.embedding_vqkd.weight, quantiser.embedding_vqgan.weight), dim=1)

    def _decode(self, codes: Codes) -> Tensor:
        output: Tensor = self._network.decode(codes.levels)
        return output


def _network(**sizes: Any) -> Any:
    from vtbench.tokenizers.published.tokenflow.network import Geometry, Network

    return Network(Geometry(**sizes))
