"""MaskBit's transformer over bits in the names of its published files: the image's tokens, then the class."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

EPS = 1e-12


@dataclass(frozen=True)
class MaskbitGeometry:
    """Sizes of the network.

    Attributes:
        bits: of a token.
        parts: that a token is predicted and masked in; each has ``bits / parts`` bits.
        depth: blocks.
        heads: of attention.
        width: channels.
        hidden: channels inside the feed-forward part.
        tokens: of an image.
        classes: class labels; one more stands for "no class".
    """

    bits: int
    parts: int = 2
    depth: int = 24
    heads: int = 16
    width: int = 1024
    hidden: int = 4096
    tokens: int = 256
    classes: int = 1000

    @property
    def part_bits(self) -> int:
        """Bits of a part."""
        return self.bits // self.parts

    @property
    def vocabulary(self) -> int:
        """Values of a part."""
        return 1 << self.part_bits


class Attention(nn.Module):
    """Bidirectional attention beside a shortcut, then a norm."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.mha = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm = nn.LayerNorm(width, eps=EPS)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.norm(self.mha(x, x, x, need_weights=False)[0] + x)
        return output


class FeedForward(nn.Module):
    """Two layers with a GELU between them, beside a shortcut, then a norm."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.norm = nn.LayerNorm(width, eps=EPS)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.norm(self.net(x) + x)
        return output


class Block(nn.ModuleList):
    """Attention, then feed-forward, in a list as the published names have it."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__([Attention(width, heads), FeedForward(width, hidden)])

    def forward(self, x: Tensor) -> Tensor:
        for part in self:
            x = part(x)
        return x


class Encoder(nn.Module):
    """Blocks, in ``layers``."""

    def __init__(self, geometry: MaskbitGeometry) -> None:
        super().__init__()
        sizes = (geometry.width, geometry.heads, geometry.hidden)
        self.layers = nn.ModuleList(Block(*sizes) for _ in range(geometry.depth))

    def forward(self, x: Tensor) -> Tensor:
        for block in self.layers:
            x = block(x)
        return x


class LfqBert(nn.Module):
    """Predicts the parts of every token from the bits that are known; those of a masked part enter as zeros.

    A place is one part of one token: place ``parts * t + j`` holds bits ``j * part_bits`` and on of token t, the lowest
    first.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: MaskbitGeometry) -> None:
        super().__init__()
        self.geometry, width = geometry, geometry.width
        self.class_emb = nn.Embedding(geometry.classes + 1, width)
        self.input_proj = nn.Linear(geometry.bits, width)
        self.pos_emb = nn.Parameter(torch.empty(1, geometry.tokens + 1, width).normal_(std=0.02))
        self.first_layer = nn.Sequential(nn.LayerNorm(width, eps=EPS))
        self.transformer = Encoder(geometry)
        self.last_layer = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width, eps=EPS))
        self.prediction_layer = nn.Linear(width, geometry.parts * geometry.vocabulary)

    @property
    def places(self) -> int:
        """Parts of all tokens of an image."""
        return self.geometry.tokens * self.geometry.parts

    @property
    def mask_token(self) -> int:
        """What stands in a masked part."""
        return self.geometry.vocabulary

    def predict(self, condition: Tensor, tokens: Tensor) -> Tensor:
        """Labels ``int64 [B]``, ``classes`` for none, and parts ``int64 [B,P]``, masked or not, to ``[B,P,V]``."""
        found: Tensor = self(condition, tokens)
        return found.reshape(len(tokens), self.places, self.geometry.vocabulary)

    def forward(self, condition: Tensor, tokens: Tensor) -> Tensor:
        x = torch.cat([self.input_proj(self._signs(tokens)), self.class_emb(condition)[:, None]], dim=1)
        x = self.last_layer(self.transformer(self.first_layer(x + self.pos_emb)))
        output: Tensor = self.prediction_layer(x[:, :-1])
        return output

    def _signs(self, tokens: Tensor) -> Tensor:
        """``[B,tokens,bits]`` of -1, 1, and 0 where masked."""
        signs = bits_of(tokens, self.geometry.part_bits).to(self.pos_emb.dtype) * 2 - 1
        known = signs.masked_fill((tokens == self.mask_token)[..., None], 0.0)
        return known.reshape(len(tokens), self.geometry.tokens, self.geometry.bits)


def bits_of(parts: Tensor, bits: int) -> Tensor:
    """Whole numbers ``[…]`` to ``bool […,bits]``, the lowest bit first."""
    return (parts[..., None] >> torch.arange(bits, device=parts.device)) & 1 == 1
