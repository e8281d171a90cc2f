"""Sizes of ACDiT's networks, and how an image's latents are cut into blocks of tokens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vtbench.core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class AcditGeometry:
    """Sizes of a network. Tokens are square patches of the latents; square blocks of them are made one after the other.

    Attributes:
        depth: blocks of the transformer.
        width: channels.
        heads: of attention.
        side: latents along one side of an image.
        channels: values of a latent.
        patch: latents along one side of a token.
        block_side: tokens along one side of a block.
        classes: class labels; the one behind the last is none.

    Raises:
        UsageError: patches or blocks that do not fill the image.
    """

    depth: int
    width: int
    heads: int
    side: int = 32
    channels: int = 4
    patch: int = 1
    block_side: int = 16
    classes: int = 1000

    def __post_init__(self) -> None:
        if self.patch < 1 or self.block_side < 1 or self.side % (self.patch * self.block_side):
            raise UsageError(
                f"blocks of {self.block_side} tokens of {self.patch} latents a side do not fill {self.side} latents"
            )

    @property
    def token_channels(self) -> int:
        """Values of a token."""
        return self.channels * self.patch**2

    @property
    def token_side(self) -> int:
        """Tokens along one side of an image."""
        return self.side // self.patch

    @property
    def block(self) -> int:
        """Tokens of a block."""
        return self.block_side**2

    @property
    def blocks(self) -> int:
        """Blocks of an image."""
        return self.token_side**2 // self.block

    def raster(self) -> Tensor:
        """Where each token of the image stands in raster order, block after block: ``int64 [blocks·block]``."""
        import torch

        across = self.token_side // self.block_side
        places = torch.arange(self.token_side**2).reshape(across, self.block_side, across, self.block_side)
        return places.transpose(1, 2).flatten()

    def latents_of(self, tokens: Tensor) -> Tensor:
        """Tokens ``[B,blocks,block,channels·patch²]`` to latents ``[B,side²,channels]`` in raster order."""
        whole = tokens.flatten(1, 2)
        order = self.raster().to(whole.device)
        raster = whole.new_empty(whole.shape).index_copy_(1, order, whole)
        # a token holds its patch in raster order, channels last
        split = raster.reshape(-1, self.token_side, self.token_side, self.patch, self.patch, self.channels)
        return split.transpose(2, 3).reshape(len(tokens), self.side**2, self.channels)


_XL = AcditGeometry(depth=28, width=1152, heads=18)
SIZES = {
    "B": replace(_XL, depth=12, width=768, heads=12),
    "L": replace(_XL, depth=24, width=1024, heads=16),
    "XL": _XL,
    "H": replace(_XL, depth=32, width=1280, heads=20),
    "tiny": AcditGeometry(depth=2, width=128, heads=2, side=8, block_side=4),
}
"""Sizes that the authors name, of which XL and H are published, and one for tests that no file has."""
