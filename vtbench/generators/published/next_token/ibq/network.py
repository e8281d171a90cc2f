"""IBQ's transformer in the names of its published files: LlamaGen's blocks, each modulated by the class."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vtbench.generators.published.next_token.llamagen.network_condition import ClassCondition
from vtbench.networks.decoder_transformer import DecoderBlock, DecoderGeometry, RmsNorm, run_causally, swiglu_width
from vtbench.networks.key_value_cache import CacheGeometry, KeyValueCache
from vtbench.networks.rotary import HeldTable, grid_table


@dataclass(frozen=True)
class IbqGeometry:
    """Sizes of the network.

    Attributes:
        decoder: of its blocks.
        vocabulary: entries of the tokenizer's codebook.
        grid: tokens along one side.
        classes: class labels; one more stands for "no class".
    """

    decoder: DecoderGeometry
    vocabulary: int = 16384
    grid: int = 16
    classes: int = 1000

    @property
    def tokens(self) -> int:
        """Tokens of an image."""
        return self.grid * self.grid

    def turns(self) -> Tensor:
        """The rotation of each position; the condition's is a row of zeros."""
        return grid_table(self.grid, self.grid, self.decoder.head_width, zero_rows=1)


def _sized(layers: int, width: int) -> DecoderGeometry:
    return DecoderGeometry(layers, layers, width, swiglu_width(width))  # as many heads as layers, in every size


SIZES = {
    "B": _sized(16, 1024),
    "L": _sized(20, 1280),
    "XL": _sized(24, 1536),
    "XXL": _sized(30, 1920),
    "tiny": DecoderGeometry(depth=2, heads=4, width=64, hidden=swiglu_width(64, multiple=32)),
}
"""Published sizes (IBQ, table 2), and one for tests that no file has."""


class Modulation(nn.Sequential):
    """From a class to so many vectors of the blocks' width, ``[B,1,width]`` to ``[B,parts,1,width]``."""

    def __init__(self, width: int, parts: int) -> None:
        super().__init__(nn.SiLU(), nn.Linear(width, parts * width))
        self._parts = parts

    def forward(self, condition: Tensor) -> Tensor:
        mixed: Tensor = self[1](self[0](condition))
        return mixed.view(len(mixed), 1, self._parts, -1).transpose(1, 2)


class ModulatedBlock(DecoderBlock):
    """A decoder block whose norms the class scales and shifts, and whose two outcomes it gates."""

    def __init__(self, geometry: DecoderGeometry) -> None:
        super().__init__(geometry)
        self.ada_lin = Modulation(geometry.width, 6)

    def forward(  # type: ignore[override]  # one argument more
        self,
        x: Tensor,
        turns: Tensor | None,
        mask: Tensor | None,
        cache: KeyValueCache | None,
        layer: int,
        modulations: Tensor,
    ) -> Tensor:
        """As the plain block; ``modulations``: ``[layers,B,6,1,width]``, two gates, two scales, two shifts each."""
        gate, gate_after, scale, scale_after, shift, shift_after = modulations[layer].unbind(1)
        x = x + self.attention(self.attention_norm(x) * (scale + 1) + shift, turns, mask, cache, layer) * gate
        output: Tensor = x + self.feed_forward(self.ffn_norm(x) * (scale_after + 1) + shift_after) * gate_after
        return output


class ModulatedNorm(nn.Module):
    """The last norm, which the class scales and shifts."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.rmsnorm = RmsNorm(width, eps)
        self.ada_lin = Modulation(width, 2)

    def forward(self, x: Tensor, modulation: Tensor) -> Tensor:
        scale, shift = modulation.unbind(1)
        output: Tensor = self.rmsnorm(x) * (scale + 1) + shift
        return output


@dataclass(frozen=True)
class Modulations:
    """What the classes of a batch make of the network: computed once, since it is the same at every position.

    Attributes:
        blocks: ``[layers,B,6,1,width]``.
        head: ``[B,2,1,width]``.
    """

    blocks: Tensor
    head: Tensor

    def halved(self) -> Modulations:
        """Of the first half of the sequences."""
        half = len(self.head) // 2
        return Modulations(self.blocks[:, :half], self.head[:half])


class ModulatedCache(KeyValueCache):
    """Keys and values of a batch, and the modulations of its classes, which every step needs again."""

    modulations: Modulations

    def halved(self) -> None:
        """Keep the first half of the sequences."""
        super().halved()
        self.modulations = self.modulations.halved()


class IbqNetwork(nn.Module):
    """Predicts token t of an image from its class and the tokens before it; the class modulates every position, too.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: IbqGeometry) -> None:
        super().__init__()
        sizes = geometry.decoder
        self.geometry = geometry
        self.tok_emb = nn.Embedding(geometry.vocabulary, sizes.width)
        self.class_emb = ClassCondition(geometry.classes, sizes.width)
        self.blocks = nn.ModuleList(ModulatedBlock(sizes) for _ in range(sizes.depth))
        self.head_nm = ModulatedNorm(sizes.width, sizes.eps)
        self.head = nn.Linear(sizes.width, geometry.vocabulary, bias=False)
        self._turns = HeldTable(geometry.turns)

    @property
    def tokens(self) -> int:
        """Tokens of an image."""
        return self.geometry.tokens

    def make_cache(self, batch: int) -> ModulatedCache:
        """An empty cache for so many sequences, in the precision of the weights; the last token is never fed."""
        held: CacheGeometry = self.geometry.decoder.cache(self.tokens)
        return ModulatedCache(held, batch, self.head.weight)

    def prefill(self, condition: Tensor, cache: ModulatedCache) -> Tensor:
        """Labels ``int64 [B]`` to logits ``[B,V]`` of token 0."""
        embedded = self.class_emb(condition)
        cache.modulations = self._modulations(embedded)
        return self._run(embedded, cache.modulations, cache)[:, -1]

    def step(self, tokens: Tensor, cache: ModulatedCache) -> Tensor:
        """The next G tokens ``int64 [B,G]`` to the logits ``[B,G,V]`` of those after each."""
        return self._run(self.tok_emb(tokens), cache.modulations, cache)

    def forward(self, condition: Tensor, tokens: Tensor) -> Tensor:
        """Logits of all tokens at once, without a cache.

        Args:
            condition: labels ``int64 [B]``; ``classes`` for none.
            tokens: ``int64 [B,T]``, the first T of each image, fewer than all.

        Returns:
            ``[B,T+1,V]``: position t holds the logits of token t.
        """
        embedded = self.class_emb(condition)
        return self._run(torch.cat([embedded, self.tok_emb(tokens)], dim=1), self._modulations(embedded), None)

    def _modulations(self, embedded: Tensor) -> Modulations:
        return Modulations(
            torch.stack([block.get_submodule("ada_lin")(embedded) for block in self.blocks]),
            self.head_nm.ada_lin(embedded),
        )

    def _run(self, x: Tensor, modulations: Modulations, cache: KeyValueCache | None) -> Tensor:
        x = run_causally(self.blocks, x, self._turns.on(x.device), cache, modulations.blocks)
        logits: Tensor = self.head(self.head_nm(x, modulations.head))
        return logits
