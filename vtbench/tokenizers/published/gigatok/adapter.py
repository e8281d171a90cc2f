"""``gigatok``: GigaTok's one-dimensional tokenizers.

Held against the published code (SilentView/GigaTok, 182920c) with equal seeded weights of the whole S-S network (538
tensors, seven of them unused here; 136.1 M parameters) on a CPU, two images of 256 pixels: all of 512 indices equal
(89 distinct), reconstructions within 1.2e-5 at a magnitude of 2. Names and shapes of S-B, B-L and XL-XXL are the
published ones too (646, 970 and 1,834 tensors).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.core.codes import Codes
from vtbench.networks.nearest import nearest_directions, normalise_rows
from vtbench.tokenizers.published.base import OfficialTokenizer, Source

if TYPE_CHECKING:
    from torch import Tensor


class GigaTok(OfficialTokenizer):
    """An index a token, of the codebook entry whose direction is nearest; averaged weights where the file has them.

    Args:
        encoder: size of the transformer that reads the map: ``small``, ``base``, ``large``, ``xl`` or ``xxl``.
        decoder: size of the one that spreads the tokens.
        tokens: tokens an image, a power of two.
        codebook_size: entries.
        codebook_dim: their width.
        size: side of the images, in pixels; positions are learnt, so it is fixed.
        channels: width of the finest level of the convolutions.
        multipliers: width of each level as a multiple; each but the last halves the sides.
        latents: channels of the map.
        blocks: residual blocks a level; the decoder has one more.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.
    """

    family = "gigatok"
    citation = (
        "Xiong et al., GigaTok: Scaling Visual Tokenizers to 3 Billion Parameters for Image Generation, 2504.08736"
    )
    keys = ("ema", "model")
    ignore_unexpected = ("quantize.codebook_used", "s1to2decoder.distill_mlp.*")  # a statistic; a teacher's head
    shrunken: ClassVar[dict[str, Any]] = {
        **{"encoder": "nano", "decoder": "nano", "codebook_size": 64, "size": 32},
        **{"channels": 32, "multipliers": (1, 2), "latents": 32, "blocks": 1},
    }

    def __init__(
        self,
        encoder: str = "small",
        decoder: str = "small",
        tokens: int = 256,
        codebook_size: int = 16384,
        codebook_dim: int = 8,
        size: int = 256,
        channels: int = 128,
        multipliers: Sequence[int] = (1, 1, 2, 2, 4),
        latents: int = 256,
        blocks: int = 2,
        **where: Unpack[WeightsFrom],
    ) -> None:
        grid = size // 2 ** (len(multipliers) - 1)
        convolutional = (channels, multipliers, latents, blocks)
        self._setup(
            lambda: _network((encoder, decoder), convolutional, tokens, grid, (codebook_size, codebook_dim)),
            Source(**where),
            kind="discrete",
            codebook_sizes=(codebook_size,),
            native_size=size,
            fixed_size=True,
        )

    def _finish(self, network: Any) -> None:
        normalise_rows(network.quantize.embedding)

    def _encode(self, images: Tensor) -> Codes:
        return Codes(levels=(nearest_directions(self._network.encode(images), self._network.quantize.embedding),))

    def _decode(self, codes: Codes) -> Tensor:
        output: Tensor = self._network.decode(self._network.quantize.embedding(codes.levels[0]).transpose(1, 2))
        return output


def _network(*sizes: Any) -> Any:
    from vtbench.tokenizers.published.gigatok.network import Network

    return Network(*sizes)
