"""VAR's multi-scale residual VQ-VAE (Tian et al., Visual Autoregressive Modeling, 2404.02905, algorithms 1 and 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import nn

from vtbench.networks.convolutional import Decoder, Encoder
from vtbench.networks.nearest import nearest_codes
from vtbench.networks.next_scale.residual_scales import ResidualScales

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.tokenizers.published.var_vq.geometry import Geometry


class Quantiser(ResidualScales):
    """All scales with one codebook. Names: also ``embedding``."""

    def __init__(self, entries: int, channels: int, scales: Sequence[int], smoothings: int) -> None:
        super().__init__(channels, scales, smoothings)
        self.embedding = nn.Embedding(entries, channels)

    def codes(self, latents: Tensor) -> Tensor:
        return nearest_codes(latents, self.embedding.weight)

    def entries(self, codes: Tensor) -> Tensor:
        output: Tensor = self.embedding(codes).movedim(-1, 1)
        return output


class Network(nn.Module):
    """Names: ``encoder``, ``quant_conv``, ``quantize``, ``post_quant_conv``, ``decoder``."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        latents, sizes = geometry.latents, (geometry.channels, geometry.multipliers, geometry.latents)
        self.encoder = Encoder(*sizes, blocks=geometry.blocks, fused=True)
        self.decoder = Decoder(*sizes, blocks=geometry.blocks, fused=True)
        self.quantize = Quantiser(geometry.entries, latents, geometry.scales, geometry.smoothings)
        self.quant_conv = nn.Conv2d(latents, latents, 3, padding=1)
        self.post_quant_conv = nn.Conv2d(latents, latents, 3, padding=1)
