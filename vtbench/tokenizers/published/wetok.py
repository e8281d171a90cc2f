"""``wetok``: WeTok's lookup-free tokenizers of several groups of bits, one of them with a decoder that takes noise.

Held against the published code (zhuangshaobin/WeTok, caa2ad7) with equal seeded weights of whole networks on a CPU: 32
bits a token by a factor of 16 (339 tensors, 460.3 M parameters), two images of 256 pixels, all of 2,048 indices equal
(236 of 256 distinct), reconstructions within 2.6e-5 at a magnitude of 2.9; 64 bits by a factor of 8 (283 tensors, 448.4
M), two images of 64 pixels, 1,024 of 1,024, 1.6e-5. The generative
decoder by a factor of 32 (397 tensors, 1,673.7 M), two images of 256 pixels, with the same noise: 512 of 512 (178
distinct), 6.1e-6 at a magnitude of 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.averages import chosen_weights, told_choice, wants_averages
from vtbench.checkpoints.loading import WeightsFrom
from vtbench.core.codes import Codes
from vtbench.networks.binary import to_bits, to_signs
from vtbench.networks.seeded_noise import drawn_from_seeds
from vtbench.tokenizers.published.base import OfficialTokenizer, Source

if TYPE_CHECKING:
    from torch import Tensor


class WeTok(OfficialTokenizer):
    """The sign of each latent is a bit (LFQ); consecutive channels are a group, and a group is a level of the codes.

    Bit ``i`` of a group has weight ``2**i`` in its published index too. Sizes other than the trained one are padded and
    cropped.

    Args:
        groups: of bits; each is a codebook of its own.
        bits: bits a group.
        channels: width of the finest level.
        multipliers: width of each level as a multiple; each but the last halves the sides.
        blocks: residual blocks a level.
        generative: the decoder takes normal noise beside the code, as much of it, drawn from the image's own seed.
        weights: ``"ema"``, the averaged ones, or ``"raw"``, those of the last training step.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.
    """

    family = "wetok"
    citation = (
        "Zhuang et al., WeTok: Powerful Discrete Tokenization for High-Fidelity Visual Reconstruction, 2508.05599"
    )
    keys = ("state_dict",)
    ignore_unexpected = ("loss.*", "quantize.*")
    shrunken: ClassVar[dict[str, Any]] = {"groups": 2, "bits": 3, "channels": 32, "multipliers": (1, 1), "blocks": 1}

    def __init__(
        self,
        groups: int = 4,
        bits: int = 8,
        channels: int = 256,
        multipliers: Sequence[int] = (1, 1, 2, 2, 4),
        blocks: int = 4,
        generative: bool = False,
        weights: str = "ema",
        **where: Unpack[WeightsFrom],
    ) -> None:
        self._averaged = wants_averages(weights, self.family)
        self._bits = bits
        self._setup(
            lambda: _network(channels, multipliers, groups * bits, blocks, generative),
            Source(**where),
            kind="discrete",
            codebook_sizes=(2**bits,) * groups,
            downsample_factor=2 ** (len(multipliers) - 1),
            stochastic=generative,
        )

    def _convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        self._choices = told_choice(state, self._averaged)
        return chosen_weights(state, self._averaged, self.family)

    def _encode(self, images: Tensor, seeds: Tensor | None = None) -> Codes:
        import torch

        return Codes(bits=torch.split(to_bits(self._network.encoder(images)), self._bits, dim=-1))

    def _decode(self, codes: Codes, seeds: Tensor | None = None) -> Tensor:
        import torch

        signs = to_signs(torch.cat(codes.bits, dim=-1), self._dtype)
        noise = None if seeds is None else drawn_from_seeds(torch.randn, signs.shape[1:], seeds).to(signs)
        output: Tensor = self._network.decoder(signs, noise)
        return output


def _network(channels: int, multipliers: Sequence[int], bits: int, blocks: int, generative: bool) -> Any:
    from vtbench.networks.magvit2 import Network

    return Network(channels, multipliers, bits, blocks, noise=bits if generative else 0)
