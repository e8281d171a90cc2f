"""ELM's binary autoencoder.

Sources: Liu et al., Elucidating the Design Space of Language Models for Image Generation, 2410.16257; the quantiser
after Wang et al., Binary Latent Diffusion, 2304.04820.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import nn

from vtbench.networks.convolutional import Downsample, SpatialAttention, Upsample, group_norm
from vtbench.networks.convolutional import ResidualBlock as Block

if TYPE_CHECKING:
    from torch import Tensor


class ResidualBlock(nn.Module):
    """The usual block, whose shortcut is called ``conv_out`` and is in the file even where it has no use."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        block = Block(inputs, outputs)
        self.norm1, self.conv1, self.norm2, self.conv2 = block.norm1, block.conv1, block.norm2, block.conv2
        self.conv_out = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.conv1(nn.functional.silu(self.norm1(x)))
        hidden = self.conv2(nn.functional.silu(self.norm2(hidden)))
        output: Tensor = hidden + (x if x.shape[1] == hidden.shape[1] else self.conv_out(x))
        return output


class Chain(nn.Module):
    """Layers one after another. Name: ``blocks``."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.blocks(x)
        return output


class Quantiser(nn.Module):
    """Bits are Bernoulli variables; every set bit adds a row. Names: ``proj.0``, ``embed``."""

    def __init__(self, bits: int, channels: int) -> None:
        super().__init__()
        self.proj = nn.Sequential(nn.Conv2d(channels, bits, 1), nn.Sigmoid())
        self.embed = nn.Embedding(bits, channels)


class Network(nn.Module):
    """Names: ``encoder.blocks``, ``quantize``, ``generator.blocks``.

    Args:
        channels: width of the finest level.
        multipliers: width of each level as a multiple.
        bits: bits a token.
        latents: channels of encoder and decoder at the bottleneck.
        blocks: residual blocks a level.
    """

    def __init__(self, channels: int, multipliers: Sequence[int], bits: int, latents: int, blocks: int) -> None:
        super().__init__()
        self.encoder = Chain(_encoder(channels, multipliers, latents, blocks))
        self.quantize = Quantiser(bits, latents)
        self.generator = Chain(_generator(channels, multipliers, latents, blocks))


def _encoder(channels: int, multipliers: Sequence[int], latents: int, blocks: int) -> list[nn.Module]:
    layers: list[nn.Module] = [nn.Conv2d(3, channels, 3, padding=1)]
    width = channels
    for index, multiplier in enumerate(multipliers):
        last = index == len(multipliers) - 1
        for _ in range(blocks):
            layers.append(ResidualBlock(width, channels * multiplier))
            width = channels * multiplier
            layers += [SpatialAttention(width)] if last else []
        layers += [] if last else [Downsample(width)]
    return [*layers, *_middle(width), group_norm(width), nn.Conv2d(width, latents, 3, padding=1)]


def _generator(channels: int, multipliers: Sequence[int], latents: int, blocks: int) -> list[nn.Module]:
    width = channels * multipliers[-1]
    layers: list[nn.Module] = [group_norm(latents), nn.Conv2d(latents, width, 3, padding=1), *_middle(width)]
    for index, multiplier in reversed(list(enumerate(multipliers))):
        for _ in range(blocks):
            layers.append(ResidualBlock(width, channels * multiplier))
            width = channels * multiplier
            layers += [SpatialAttention(width)] if index == len(multipliers) - 1 else []
        layers += [Upsample(width)] if index else []
    return [*layers, group_norm(width), nn.Conv2d(width, 3, 3, padding=1)]


def _middle(width: int) -> list[nn.Module]:
    return [ResidualBlock(width, width), SpatialAttention(width), ResidualBlock(width, width)]
