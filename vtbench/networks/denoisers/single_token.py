"""The perceptron that denoises one token by itself (MAR's "diffusion loss"), in the names of its published files.

Source: Li et al., Autoregressive Image Generation without Vector Quantization, 2406.11838, section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn

from vtbench.networks.denoisers.embedded_time import EmbeddedTime
from vtbench.networks.modulation import EPS, modulated

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class TokenDenoiserGeometry:
    """Sizes of the perceptron.

    Attributes:
        depth: residual blocks.
        width: channels.
        condition: channels of what the transformer says of a token.
        channels: values of a token.
    """

    depth: int
    width: int
    condition: int
    channels: int = 16


class ResidualBlock(nn.Module):
    """Two layers behind a norm that time and condition shift and scale; they gate what is added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.in_ln = nn.LayerNorm(width, eps=EPS)
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 3 * width))

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        shift, scale, gate = self.adaLN_modulation(given).chunk(3, dim=-1)
        output: Tensor = x + gate * self.mlp(self.in_ln(x) * (1 + scale) + shift)
        return output


class LastLayer(nn.Module):
    """A norm without weights, shifted and scaled, and a matrix."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, outputs)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        shift, scale = self.adaLN_modulation(given).chunk(2, dim=-1)
        output: Tensor = self.linear(modulated(x, shift, scale))
        return output


class TokenDenoiser(nn.Module):
    """Names: ``time_embed.mlp``, ``cond_embed``, ``input_proj``, ``res_blocks.N``, ``final_layer``.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: TokenDenoiserGeometry) -> None:
        super().__init__()
        width = geometry.width
        self.time_embed = EmbeddedTime(width)
        self.cond_embed = nn.Linear(geometry.condition, width)
        self.input_proj = nn.Linear(geometry.channels, width)
        self.res_blocks = nn.ModuleList(ResidualBlock(width) for _ in range(geometry.depth))
        self.final_layer = LastLayer(width, 2 * geometry.channels)

    def forward(self, x: Tensor, time: Tensor, states: Tensor) -> Tensor:
        """The noise in tokens, and how wide a step may scatter.

        Args:
            x: noisy tokens ``[N,channels]``.
            time: steps of a thousand, ``[1]``, the same for all, or ``[N]``.
            states: what the transformer says of each, ``[N,condition]``.

        Returns:
            ``[N,2·channels]``: the noise, then the spread, -1 for the narrowest and 1 for the widest.
        """
        given = self.time_embed(time) + self.cond_embed(states)
        x = self.input_proj(x)
        for block in self.res_blocks:
            x = block(x, given)
        output: Tensor = self.final_layer(x, given)
        return output
