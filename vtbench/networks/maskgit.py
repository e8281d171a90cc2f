"""The convolutional autoencoder of MaskGIT's and MaskBit's tokenizers, without attention.

Sources: Chang et al., MaskGIT, 2202.04200; Weber et al., MaskBit, 2409.16211. Where the width changes, the shortcut of
a block is a 1x1 convolution of what the block *computed*, not of its input: so were the published weights trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import nn

from vtbench.networks.codebook import Codebook
from vtbench.networks.convolutional import Downsample, group_norm

if TYPE_CHECKING:
    from torch import Tensor


class ResidualBlock(nn.Module):
    """Names: ``norm1``, ``conv1``, ``norm2``, ``conv2``, ``nin_shortcut``; no convolution has a bias."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm1 = group_norm(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm2 = group_norm(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        if inputs != outputs:
            self.nin_shortcut = nn.Conv2d(outputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.conv1(F.silu(self.norm1(x)))
        hidden = self.conv2(F.silu(self.norm2(hidden)))
        output: Tensor = hidden + (self.nin_shortcut(hidden) if hasattr(self, "nin_shortcut") else x)
        return output


class Stage(nn.Module):
    """Residual blocks of one width. Names: ``NAME.N``, and ``upsample_conv`` or ``down_conv`` where the sides change.

    Args:
        inputs: channels in.
        outputs: channels out.
        blocks: residual blocks.
        name: what the list of blocks is called in the published file.
        up: double the sides at the end.
        down: halve them: by ``"conv"``, by ``"pool"``, or not at all.
    """

    def __init__(
        self, inputs: int, outputs: int, blocks: int, name: str = "res_blocks", *, up: bool = False, down: str = ""
    ) -> None:
        super().__init__()
        widths = [inputs] + [outputs] * blocks
        self._blocks, self._down = name, down
        self.add_module(name, nn.ModuleList(ResidualBlock(a, b) for a, b in pairwise(widths)))
        if up:
            self.upsample_conv = nn.Conv2d(outputs, outputs, 3, padding=1)
        if down == "conv":
            self.down_conv = Downsample(outputs).conv

    def forward(self, x: Tensor) -> Tensor:
        for block in getattr(self, self._blocks):
            x = block(x)
        if hasattr(self, "upsample_conv"):
            x = self.upsample_conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        if self._down == "conv":
            x = self.down_conv(F.pad(x, (0, 1, 0, 1)))
        return F.avg_pool2d(x, 2) if self._down == "pool" else x


class Encoder(nn.Module):
    """Pixels to latents. Names: ``conv_in``, ``down``, ``mid``, ``norm_out``, ``conv_out``.

    Args:
        channels: width of the finest level.
        multipliers: width of each level as a multiple; each but the last halves the sides.
        latents: channels out.
        blocks: residual blocks a level.
        down: by ``"conv"`` or by ``"pool"``.
        maskgit: MaskGIT's names (``mid.N``, ``down.N.block.N``) instead of MaskBit's (``res_blocks``).
    """

    def __init__(
        self,
        channels: int,
        multipliers: Sequence[int],
        latents: int,
        blocks: int,
        *,
        down: str,
        maskgit: bool = False,
    ) -> None:
        super().__init__()
        widths = [channels, *(channels * multiplier for multiplier in multipliers)]
        name, last = "block" if maskgit else "res_blocks", len(multipliers) - 1
        self.conv_in = nn.Conv2d(3, channels, 3, padding=1, bias=False)
        self.down = nn.ModuleList(
            Stage(a, b, blocks, name, down=down if index < last else "")
            for index, (a, b) in enumerate(pairwise(widths))
        )
        self.mid = _middle(widths[-1], blocks, maskgit)
        self.norm_out = group_norm(widths[-1])
        self.conv_out = nn.Conv2d(widths[-1], latents, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_in(x)
        for stage in self.down:
            x = stage(x)
        output: Tensor = self.conv_out(F.silu(self.norm_out(self.mid(x))))
        return output


class Decoder(nn.Module):
    """Quantised latents to pixels. Names: ``conv_in``, ``mid``, ``up``, ``norm_out``, ``conv_out``.

    Args:
        channels: width of the finest level.
        multipliers: width of each level as a multiple.
        latents: channels in.
        blocks: residual blocks a level.
        maskgit: MaskGIT's names (``mid.N``, ``up.N.block.N``, ``up`` from fine to coarse) instead of MaskBit's
            (``mid.res_blocks.N``, ``up.N.res_blocks.N``, ``up`` in the order of use).
    """

    def __init__(
        self, channels: int, multipliers: Sequence[int], latents: int, blocks: int, *, maskgit: bool = False
    ) -> None:
        super().__init__()
        widths = [*(channels * multiplier for multiplier in multipliers), channels * multipliers[-1]]
        name = "block" if maskgit else "res_blocks"
        stages = [Stage(b, a, blocks, name, up=index > 0) for index, (a, b) in enumerate(pairwise(widths))]
        self.conv_in = nn.Conv2d(latents, widths[-1], 3, padding=1)
        self.mid = _middle(widths[-1], blocks, maskgit)
        self.up = nn.ModuleList(stages if maskgit else reversed(stages))
        self.norm_out = group_norm(widths[0])
        self.conv_out = nn.Conv2d(widths[0], 3, 3, padding=1)
        self._coarse_last = maskgit

    def forward(self, x: Tensor) -> Tensor:
        x = self.mid(self.conv_in(x))
        for stage in reversed(self.up) if self._coarse_last else self.up:
            x = stage(x)
        output: Tensor = self.conv_out(F.silu(self.norm_out(x)))
        return output


class Network(nn.Module):
    """Names: ``encoder``, ``decoder``, and ``quantize.embedding`` where there is a codebook.

    Args:
        channels: width of the finest level.
        multipliers: width of each level as a multiple.
        latents: channels of a token.
        blocks: residual blocks a level.
        entries: of the codebook; 0 for none.
        maskgit: MaskGIT's, which halves by pooling, instead of MaskBit's.
    """

    def __init__(
        self,
        channels: int,
        multipliers: Sequence[int],
        latents: int,
        blocks: int,
        entries: int = 0,
        *,
        maskgit: bool = False,
    ) -> None:
        super().__init__()
        down = "pool" if maskgit else "conv"
        self.encoder = Encoder(channels, multipliers, latents, blocks, down=down, maskgit=maskgit)
        self.decoder = Decoder(channels, multipliers, latents, blocks, maskgit=maskgit)
        if entries:
            self.quantize = Codebook(entries, latents)


def _middle(width: int, blocks: int, maskgit: bool) -> nn.Module:
    if not maskgit:
        return Stage(width, width, blocks)
    return nn.Sequential(*(ResidualBlock(width, width) for _ in range(blocks)))
