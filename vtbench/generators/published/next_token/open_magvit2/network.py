"""Open-MAGVIT2's transformer in the names of its published files: LlamaGen's blocks over positions, and a few more over
the two parts of each token.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from vtbench.generators.published.next_token.llamagen.network_condition import ClassCondition
from vtbench.networks.decoder_transformer import DecoderBlock, DecoderGeometry, RmsNorm, run_causally, swiglu_width
from vtbench.networks.key_value_cache import KeyValueCache
from vtbench.networks.rotary import HeldTable, grid_table


@dataclass(frozen=True)
class FactorisedGeometry:
    """Sizes of the network.

    Attributes:
        decoder: of the blocks over positions.
        inner_depth: blocks over the parts of a token.
        bits: of the first part and of the second.
        grid: tokens along one side.
        classes: class labels; one more stands for "no class".
    """

    decoder: DecoderGeometry
    inner_depth: int
    bits: tuple[int, int] = (6, 12)
    grid: int = 16
    classes: int = 1000

    @property
    def tokens(self) -> int:
        """Tokens of an image."""
        return self.grid * self.grid

    @property
    def inner(self) -> DecoderGeometry:
        """Of the blocks over the parts of a token."""
        return replace(self.decoder, depth=self.inner_depth)

    def turns(self) -> Tensor:
        """The rotation of each position; the condition's is a row of zeros."""
        return grid_table(self.grid, self.grid, self.decoder.head_width, zero_rows=1)


def _sized(depth: int, heads: int, width: int) -> DecoderGeometry:
    return DecoderGeometry(depth, heads, width, swiglu_width(width))


SIZES = {
    "B": FactorisedGeometry(_sized(24, 16, 1024), 2),
    "L": FactorisedGeometry(_sized(36, 20, 1280), 3),
    "XL": FactorisedGeometry(_sized(48, 24, 1536), 4),
    "tiny": FactorisedGeometry(DecoderGeometry(2, 4, 64, swiglu_width(64, multiple=32)), 1, (2, 4), 4),
}
"""Published sizes (Open-MAGVIT2, table 3), and one for tests that no file has."""


class FactorisedNetwork(nn.Module):
    """Predicts both parts of token t from the class and the tokens before it, and the second from the first as well.

    The blocks over positions have LlamaGen's table of rotations. Those over parts have its first two rows: what stands
    for the position has the row of zeros, the first part the one that turns nothing.

    Args:
        geometry: its sizes.
    """

    sub_codes = 2

    def __init__(self, geometry: FactorisedGeometry) -> None:
        super().__init__()
        self.geometry = geometry
        width, eps = geometry.decoder.width, geometry.decoder.eps
        self.pre_emb, self.post_emb = (nn.Embedding(2**bits, width) for bits in geometry.bits)
        self.class_emb = ClassCondition(geometry.classes, width)
        self.spatial_blocks = nn.ModuleList(DecoderBlock(geometry.decoder) for _ in range(geometry.decoder.depth))
        self.factorized_blocks = nn.ModuleList(DecoderBlock(geometry.inner) for _ in range(geometry.inner_depth))
        self.norm = RmsNorm(width, eps)
        self.head = nn.ModuleList(nn.Linear(width, 2**bits, bias=False) for bits in geometry.bits)
        self._turns = HeldTable(geometry.turns)

    @property
    def tokens(self) -> int:
        """Tokens of an image."""
        return self.geometry.tokens

    def make_cache(self, batch: int) -> KeyValueCache:
        """An empty cache for so many sequences, in the precision of the weights; the last token is never fed."""
        return KeyValueCache(self.geometry.decoder.cache(self.tokens), batch, self.norm.weight)

    def prefill(self, condition: Tensor, cache: KeyValueCache) -> Tensor:
        """Labels ``int64 [B]`` to what stands for token 0, ``[B,width]``."""
        return self._over_positions(self.class_emb(condition), cache)[:, -1]

    def step(self, codes: Tensor, cache: KeyValueCache) -> Tensor:
        """The next G tokens ``int64 [B,G,2]`` to what stands for those after each, ``[B,G,width]``."""
        return self._over_positions(self._embedded(codes), cache)

    def inner(self, hidden: Tensor) -> InnerBlocks:
        """The blocks over the parts of one token, given what stands for it, ``[B,width]``."""
        return InnerBlocks(self, hidden)

    def part_logits(self, condition: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of all tokens at once, without a cache.

        Args:
            condition: labels ``int64 [B]``; ``classes`` for none.
            codes: ``int64 [B,T,2]``, the first T of each image.

        Returns:
            ``[B,T,2**bits]`` of either part, the second's given the token's own first part.
        """
        batch, length, _ = codes.shape
        x = torch.cat([self.class_emb(condition), self._embedded(codes[:, :-1])], dim=1)
        hidden = self._over_positions(x, None)
        pairs = torch.stack([hidden, self.pre_emb(codes[..., 0])], dim=2).flatten(0, 1)
        first, second = self.over_parts(pairs, None).unflatten(0, (batch, length)).unbind(2)  # type: ignore[no-untyped-call]
        return self.head[0](first), self.head[1](second)

    forward = part_logits

    def over_parts(self, x: Tensor, cache: KeyValueCache | None) -> Tensor:
        """Normed outcomes ``[B,T,width]`` of the blocks over parts: what stands for a token, then its first part."""
        normed: Tensor = self.norm(run_causally(self.factorized_blocks, x, self._turns.on(x.device), cache))
        return normed

    def _embedded(self, codes: Tensor) -> Tensor:
        embedded: Tensor = self.pre_emb(codes[..., 0]) + self.post_emb(codes[..., 1])
        return embedded

    def _over_positions(self, x: Tensor, cache: KeyValueCache | None) -> Tensor:
        return run_causally(self.spatial_blocks, x, self._turns.on(x.device), cache)


class InnerBlocks:
    """One token's two parts, the second given the first.

    Args:
        network: whose blocks run.
        hidden: what stands for the token, ``[B,width]``.
    """

    def __init__(self, network: FactorisedNetwork, hidden: Tensor) -> None:
        self._network, self._hidden = network, hidden
        self._cache = KeyValueCache(network.geometry.inner.cache(network.sub_codes), len(hidden), hidden)

    @property
    def nbytes(self) -> int:
        """Of its keys and values."""
        return self._cache.nbytes

    def logits(self, part: int, last: Tensor | None) -> Tensor:
        """``[B,2**bits]`` of that part; ``last``: ``int64 [B]``, the first part, for the second."""
        entering = self._hidden if last is None else self._network.pre_emb(last)
        found: Tensor = self._network.head[part](self._network.over_parts(entering[:, None], self._cache)[:, -1])
        return found
