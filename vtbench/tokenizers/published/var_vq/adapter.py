"""``var-vq``: VAR's multi-scale residual VQ-VAE, which HMAR, M-VAR, CoDe and HACK use too.

Held against the published code (FoundationVision/VAR, 78b9539) with equal seeded weights of the whole network (108.95 M
parameters; 324 tensors, one of them a statistic of training) on a CPU, two images of 256 pixels: all of 1,360 indices
equal (304 distinct), reconstructions within 9e-6 in [0, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.core.codes import Codes
from vtbench.tokenizers.published.base import OfficialTokenizer, Source
from vtbench.tokenizers.published.var_vq.geometry import Geometry

if TYPE_CHECKING:
    from torch import Tensor

SCALES_256 = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16)


class VarVQ(OfficialTokenizer):
    """A level a scale, coarsest first, all of one codebook; the last scale fixes the size of the image.

    Args:
        scales: sides of the token maps.
        channels: width of the finest level of the network.
        multipliers: width of each level as a multiple; each but the last halves the sides.
        codebook_size: entries.
        codebook_dim: their width.
        smoothings: convolutions that the scales share.
        blocks: residual blocks of a level.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.
    """

    family = "var-vq"
    citation = (
        "Tian et al., Visual Autoregressive Modeling: Scalable Image Generation via Next-Scale Prediction, 2404.02905"
    )
    ignore_unexpected = ("quantize.ema_vocab_hit_SV",)  # how often training used an entry
    shrunken: ClassVar[dict[str, Any]] = {
        "scales": (1, 2, 4, 16),
        "channels": 32,
        "multipliers": (1, 1),
        "codebook_size": 32,
        "codebook_dim": 8,
    }

    def __init__(
        self,
        scales: Sequence[int] = SCALES_256,
        channels: int = 160,
        multipliers: Sequence[int] = (1, 1, 2, 2, 4),
        codebook_size: int = 4096,
        codebook_dim: int = 32,
        smoothings: int = 4,
        blocks: int = 2,
        **where: Unpack[WeightsFrom],
    ) -> None:
        geometry = Geometry(
            channels=channels, multipliers=tuple(multipliers), blocks=blocks, entries=codebook_size,
            latents=codebook_dim, scales=tuple(scales), smoothings=smoothings,
        )  # fmt: skip
        self.scales = geometry.scales
        self._setup(
            lambda: _network(geometry),
            Source(**where),
            kind="discrete",
            codebook_sizes=(codebook_size,) * len(scales),
            shared_codebook=True,
            downsample_factor=geometry.factor,
            native_size=scales[-1] * geometry.factor,
            fixed_size=True,
        )

    def contribution(self, indices: Tensor, scale: int) -> Tensor:
        """What the indices ``int64 [B,s,s]`` of one scale add to the latents, ``[B,C,h,w]`` at the last one's sides."""
        added: Tensor = self._network.quantize.contribution(indices, scale)
        return added

    def _encode(self, images: Tensor) -> Codes:
        latents = self._network.quant_conv(self._network.encoder(images))
        return Codes(levels=self._network.quantize.encode(latents))

    def _decode(self, codes: Codes) -> Tensor:
        total = self._network.quantize.decode(codes.levels)
        output: Tensor = self._network.decoder(self._network.post_quant_conv(total))
        return output.clamp(-1, 1)


def _network(geometry: Geometry) -> Any:
    from vtbench.tokenizers.published.var_vq.network import Network

    return Network(geometry)
