"""``elm-bae``: ELM's binary autoencoders of 16 to 24 bits.

Held against the published code (Pepper-lll/LMforImageGeneration, c2f29f0) with equal seeded weights of the whole
16-bit network (337 tensors, four of them unused here; 65.5 M parameters) on a CPU, two images of 256 pixels, bits by
threshold: all of 8,192 bits equal (57 % set), reconstructions within 1.9e-5 at a magnitude of 3.7. Drawn bits come
from other random numbers than the authors' and are equal in distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.core.codes import Codes
from vtbench.networks.seeded_noise import drawn_from_seeds
from vtbench.tokenizers.published.base import OfficialTokenizer, Source

if TYPE_CHECKING:
    from torch import Tensor


class ElmBae(OfficialTokenizer):
    """A token is a set of bits, each drawn with the probability that the encoder gives it.

    The published index counts the first channel as the highest bit, ``Codes.bits`` tells the lowest bit first.

    Args:
        bits: bits a token.
        sampled: draw the bits, as the authors train and evaluate all models but one; otherwise a bit is set where its
            probability is above one half.
        channels: width of the finest level.
        multipliers: width of each level as a multiple; each but the last halves the sides.
        latents: channels at the bottleneck.
        blocks: residual blocks a level.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.
    """

    family = "elm-bae"
    citation = "Liu et al., Elucidating the Design Space of Language Models for Image Generation, 2410.16257"
    value_range = "unit"
    prefix = "ae."
    ignore_unexpected = ("generator.logsigma.*",)  # for a likelihood, not for pictures
    shrunken: ClassVar[dict[str, Any]] = {
        **{"bits": 6, "channels": 32, "multipliers": (1, 2), "latents": 32, "blocks": 1},
    }

    def __init__(
        self,
        bits: int = 16,
        sampled: bool = True,
        channels: int = 128,
        multipliers: Sequence[int] = (1, 1, 2, 2, 4),
        latents: int = 256,
        blocks: int = 2,
        **where: Unpack[WeightsFrom],
    ) -> None:
        self._setup(
            lambda: _network(channels, multipliers, bits, latents, blocks),
            Source(**where),
            kind="discrete",
            codebook_sizes=(2**bits,),
            downsample_factor=2 ** (len(multipliers) - 1),
            stochastic=sampled,
        )

    def _encode(self, images: Tensor, seeds: Tensor | None = None) -> Codes:
        chances = self._network.quantize.proj(self._network.encoder(images)).float()
        limits = 0.5 if seeds is None else _uniform(seeds, chances)
        return Codes(bits=((chances > limits).movedim(1, -1).flip(-1),))

    def _decode(self, codes: Codes, seeds: Tensor | None = None) -> Tensor:
        chosen = codes.bits[0].flip(-1).to(self._dtype)
        summed = (chosen @ self._network.quantize.embed.weight).movedim(-1, 1).contiguous()
        output: Tensor = self._network.generator(summed)
        return output


def _uniform(seeds: Tensor, like: Tensor) -> Tensor:
    """Uniform numbers in [0, 1), those of an image from its seed alone."""
    import torch

    return drawn_from_seeds(torch.rand, like.shape[1:], seeds).to(like.device)


def _network(channels: int, multipliers: Sequence[int], bits: int, latents: int, blocks: int) -> Any:
    from vtbench.tokenizers.published.elm_bae.network import Network

    return Network(channels, multipliers, bits, latents, blocks)
