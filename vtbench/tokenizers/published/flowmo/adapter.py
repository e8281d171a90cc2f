"""``flowmo``: FlowMo's tokenizers, whose decoder samples the image by a rectified flow.

Held against the published code (kylesargent/FlowMo, d15029f) with equal seeded weights of the whole network (608
tensors, 945.4 M parameters) on a CPU, a photograph of 256 pixels: all of 4,608 bits equal (252 of 256 tokens distinct),
and three steps of the sampler, one of them guided, from equal noise give reconstructions within 6e-8 at a magnitude of
6.3 before the clamp, which 46 % of the pixels meet; six steps of two blocks a side likewise. The published evaluation
runs in bfloat16; ``--dtype`` chooses.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.core.codes import Codes
from vtbench.core.errors import UsageError
from vtbench.networks.seeded_noise import drawn_from_seeds
from vtbench.tokenizers.published.base import OfficialTokenizer, Source

if TYPE_CHECKING:
    from torch import Tensor

AXES = (2, 7, 7)
"""Channels of a head a unit of width that turn with place in the code, row and column."""
GUIDED = (0.17 / 1.17, 1.02 / 2.02)
"""Times between which the published sampler guides: noise levels 0.17 and 1.02, s / (1 + s) each."""
SCHEDULE_POWER = 4


class FlowMo(OfficialTokenizer):
    """Signs of the code are its bits (LFQ); the picture is drawn from noise that follows from each image's seed.

    The published indices are numbers of ``group`` bits, several a token: the first is in the lowest bits of
    ``Codes.bits``, lowest bit first as published.

    Args:
        bits: bits a token.
        group: bits of a published index; divides ``bits``.
        steps: Euler steps of the flow, finer near the image (time ``(1 - i/steps)**4``).
        guidance: weight of classifier-free guidance, in the middle of the flow alone; 1 for none.
        tokens: tokens an image.
        size: side of the images, in pixels.
        patch: side of a patch.
        heads: attention heads.
        encoder_width: width of the encoder, in units of 16 channels a head.
        decoder_width: width of the decoder.
        encoder_depth: blocks of the encoder.
        decoder_depth: blocks of the decoder.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: ``group`` does not divide ``bits``, or ``steps`` is not positive.
    """

    family = "flowmo"
    citation = (
        "Sargent et al., Flow to the Mode: Mode-Seeking Diffusion Autoencoders for Image Tokenization, 2503.11056"
    )
    keys = ("model_ema_state_dict",)
    channels_last = False
    shrunken: ClassVar[dict[str, Any]] = {
        **{"bits": 6, "group": 3, "steps": 2, "tokens": 8, "size": 16, "patch": 4, "heads": 1},
        **{"encoder_width": 2, "decoder_width": 2, "encoder_depth": 1, "decoder_depth": 1},
    }

    def __init__(
        self,
        bits: int = 18,
        group: int = 9,
        steps: int = 25,
        guidance: float = 1.5,
        tokens: int = 256,
        size: int = 256,
        patch: int = 4,
        heads: int = 12,
        encoder_width: int = 4,
        decoder_width: int = 6,
        encoder_depth: int = 8,
        decoder_depth: int = 16,
        **where: Unpack[WeightsFrom],
    ) -> None:
        if bits % group or steps < 1:
            raise UsageError(
                f"flowmo: bits={bits}, group={group}, steps={steps}", "group divides bits; steps is at least 1"
            )
        self._group, self._steps, self._guidance, self._tokens = group, steps, guidance, tokens
        encoder = (bits, patch, [axis * encoder_width for axis in AXES], heads, encoder_depth)
        decoder = (bits + 1, patch, [axis * decoder_width for axis in AXES], heads, decoder_depth)
        self._setup(
            lambda: _network(encoder, decoder),
            Source(**where),
            kind="discrete",
            codebook_sizes=(2**bits,),
            native_size=size,
            fixed_size=True,
            stochastic=True,
        )

    def _encode(self, images: Tensor, seeds: Tensor | None = None) -> Codes:
        empty = images.new_zeros(len(images), self._tokens, len(self._bits_of_channels()))
        _, code = self._network["encoder"](images, empty)
        return Codes(bits=((code > 0)[..., self._bits_of_channels()],))

    def _decode(self, codes: Codes, seeds: Tensor | None = None) -> Tensor:
        import torch

        assert seeds is not None

        (bits,) = codes.bits
        signs = torch.empty(bits.shape, device=bits.device, dtype=self._dtype)
        signs[..., self._bits_of_channels()] = bits.to(self._dtype) * 2 - 1
        code = torch.cat((signs, torch.ones_like(signs[..., :1])), dim=-1)  # the last channel says that there is a code
        side = self.info.native_size
        assert side is not None
        noise = drawn_from_seeds(torch.randn, (3, side, side), seeds)
        return self._flow(noise.to(code.device, code.dtype), code).clamp(-1, 1)

    def _flow(self, image: Tensor, code: Tensor) -> Tensor:
        """From noise ``[B,3,H,W]`` at time 1 to an image at time 0, along the predicted velocity."""
        import torch

        steps = torch.arange(self._steps, -1, -1)
        times = steps**SCHEDULE_POWER / self._steps**SCHEDULE_POWER
        for now, then in pairwise(times):
            time = torch.full((len(image),), float(now), dtype=now.dtype, device=image.device)
            velocity = self._network["decoder"](image, code, time)[0]
            if self._guidance != 1 and GUIDED[0] <= float(now) <= GUIDED[1]:
                unguided = self._network["decoder"](image, torch.zeros_like(code), time)[0]
                velocity = unguided + self._guidance * (velocity - unguided)
            image = image - (now - then) * velocity
        return image

    def _bits_of_channels(self) -> list[int]:
        """Channel of every bit: published indices take every ``bits/group``-th channel."""
        bits = round(self.info.bits_per_token[0])
        apart = bits // self._group
        return [index * apart + part for part in range(apart) for index in range(self._group)]


def _network(encoder: Any, decoder: Any) -> Any:
    from torch import nn

    from vtbench.tokenizers.published.flowmo.network import Transformer

    return nn.ModuleDict({"encoder": Transformer(*encoder), "decoder": Transformer(*decoder)})
