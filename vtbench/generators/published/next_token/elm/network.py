"""ELM's transformer in the names of its published files: LlamaGen's, with a table and a head for each sub-code."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vtbench.generators.published.next_token.llamagen.network import SIZES as LLAMAGEN_SIZES
from vtbench.generators.published.next_token.llamagen.network_condition import ClassCondition
from vtbench.networks.decoder_transformer import DecoderBlock, DecoderGeometry, RmsNorm, run_causally, swiglu_width
from vtbench.networks.key_value_cache import KeyValueCache
from vtbench.networks.rotary import HeldTable, grid_table


@dataclass(frozen=True)
class ElmGeometry:
    """Sizes of the network.

    Attributes:
        decoder: of its blocks.
        sub_codes: of a token.
        bits: of a sub-code.
        grid: tokens along one side.
        classes: class labels; one more stands for "no class".
    """

    decoder: DecoderGeometry
    sub_codes: int
    bits: int
    grid: int = 16
    classes: int = 1000

    @property
    def tokens(self) -> int:
        """Tokens of an image."""
        return self.grid * self.grid

    def turns(self) -> Tensor:
        """The rotation of each position; the condition's is a row of zeros."""
        return grid_table(self.grid, self.grid, self.decoder.head_width, zero_rows=1)


SIZES = {
    **{size: LLAMAGEN_SIZES[size] for size in ("L", "XL", "XXL", "tiny")},
    "2B": DecoderGeometry(depth=48, heads=28, width=1792, hidden=swiglu_width(1792)),
}
"""Published sizes (ELM, table 2), and one for tests that no file has."""


class ElmNetwork(nn.Module):
    """Predicts the sub-codes of token t of an image from its class and the tokens before it, each by a head of its own.

    Given what stands for the token, its sub-codes are independent of one another. With one sub-code the network is
    LlamaGen's.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: ElmGeometry) -> None:
        super().__init__()
        self.geometry = geometry
        width, several = geometry.decoder.width, geometry.sub_codes > 1
        entries = 2**geometry.bits
        self.cls_embedding = ClassCondition(geometry.classes, width)
        tables = [nn.Embedding(entries, width) for _ in range(geometry.sub_codes)]
        self.tok_embedder = nn.ModuleList(tables) if several else tables[0]
        if several:
            self.proj = nn.Linear(geometry.sub_codes * width, width, bias=False)
        self.layers = nn.ModuleList(DecoderBlock(geometry.decoder) for _ in range(geometry.decoder.depth))
        self.norm = RmsNorm(width, geometry.decoder.eps)
        heads = [nn.Linear(width, entries, bias=False) for _ in range(geometry.sub_codes)]
        self.output = nn.ModuleList(heads) if several else heads[0]
        self._turns = HeldTable(geometry.turns)

    @property
    def tokens(self) -> int:
        """Tokens of an image."""
        return self.geometry.tokens

    @property
    def sub_codes(self) -> int:
        """Of a token."""
        return self.geometry.sub_codes

    def make_cache(self, batch: int) -> KeyValueCache:
        """An empty cache for so many sequences, in the precision of the weights; the last token is never fed."""
        return KeyValueCache(self.geometry.decoder.cache(self.tokens), batch, self.norm.weight)

    def prefill(self, condition: Tensor, cache: KeyValueCache) -> Tensor:
        """Labels ``int64 [B]`` to what stands for token 0, ``[B,width]``."""
        return self._run(self.cls_embedding(condition), cache)[:, -1]

    def step(self, codes: Tensor, cache: KeyValueCache) -> Tensor:
        """The next G tokens ``int64 [B,G,K]`` to what stands for those after each, ``[B,G,width]``."""
        return self._run(self._embedded(codes), cache)

    def inner(self, hidden: Tensor) -> IndependentHeads:
        """The heads over what stands for one token, ``[B,width]``."""
        return IndependentHeads(self, hidden)

    def forward(self, condition: Tensor, codes: Tensor) -> Tensor:
        """Logits of all tokens at once, without a cache.

        Args:
            condition: labels ``int64 [B]``; ``classes`` for none.
            codes: ``int64 [B,T,K]``, the first T of each image, fewer than all.

        Returns:
            ``[B,T+1,K,2**bits]``: position t holds the logits of token t.
        """
        hidden = self._run(torch.cat([self.cls_embedding(condition), self._embedded(codes)], dim=1), None)
        return torch.stack([self.head(hidden, part) for part in range(self.sub_codes)], dim=2)

    def part_logits(self, condition: Tensor, codes: Tensor) -> tuple[Tensor, ...]:
        """As :meth:`forward` on all tokens but the last: ``int64 [B,N,K]`` to ``[B,N,2**bits]`` of each sub-code."""
        return self(condition, codes[:, :-1]).unbind(2)  # type: ignore[no-any-return]

    def head(self, hidden: Tensor, part: int) -> Tensor:
        """Logits ``[...,2**bits]`` of one sub-code, given what stands for tokens, ``[...,width]``."""
        head = self.output[part] if isinstance(self.output, nn.ModuleList) else self.output
        logits: Tensor = head(hidden)
        return logits

    def _embedded(self, codes: Tensor) -> Tensor:
        if not isinstance(self.tok_embedder, nn.ModuleList):
            single: Tensor = self.tok_embedder(codes[..., 0])
            return single
        each = [table(part) for table, part in zip(self.tok_embedder, codes.unbind(-1), strict=True)]
        projected: Tensor = self.proj(torch.cat(each, dim=-1))
        return projected

    def _run(self, x: Tensor, cache: KeyValueCache | None) -> Tensor:
        normed: Tensor = self.norm(run_causally(self.layers, x, self._turns.on(x.device), cache))
        return normed


class IndependentHeads:
    """One token's sub-codes, none of which knows another.

    Args:
        network: whose heads answer.
        hidden: what stands for the token, ``[B,width]``.
    """

    nbytes = 0

    def __init__(self, network: ElmNetwork, hidden: Tensor) -> None:
        self._network, self._hidden = network, hidden

    def logits(self, part: int, last: Tensor | None) -> Tensor:
        """``[B,2**bits]`` of that sub-code, whatever was drawn last."""
        return self._network.head(self._hidden, part)
