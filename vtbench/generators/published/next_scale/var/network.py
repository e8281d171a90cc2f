"""VAR's transformer in the names of its published files: a class, then the token maps of an image, scale by scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.networks.key_value_cache import CacheGeometry, KeyValueCache
from vtbench.networks.next_scale.blocks import AdaLayerNorm, AdaLayerNormBlock, condition_layer
from vtbench.networks.next_scale.masks import block_causal

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.networks.next_scale.attention import ScaleMemory
    from vtbench.networks.next_scale.pruning import TokenPruning

SIDES_256 = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16)
SIDES_512 = (1, 2, 3, 4, 6, 9, 13, 18, 24, 32)


@dataclass(frozen=True, kw_only=True)
class VarGeometry:
    """Sizes of the network.

    Attributes:
        depth: blocks.
        width: channels of a position and of the condition.
        heads: of attention.
        cosine: attention compares directions.
        shared: one layer makes the vectors that modulate all blocks.
        vocabulary: entries of the tokenizer's codebook.
        channels: of what a scale is predicted from.
        classes: class labels; one more stands for "no class".
        schedule: of the scales; the first has one token.
    """

    depth: int
    width: int
    heads: int
    cosine: bool = True
    shared: bool = False
    vocabulary: int = 4096
    channels: int = 32
    classes: int = 1000
    schedule: ScaleSchedule = field(default_factory=lambda: ScaleSchedule.square(SIDES_256))

    def cache(self, positions: int) -> CacheGeometry:
        """What its cache must hold for so many positions."""
        return CacheGeometry(self.depth, self.heads, positions, self.width // self.heads)


class ScaleNetwork(nn.Module):
    """What networks of VAR's kind share: a class as the start and as what modulates the blocks, and the passes.

    Names: ``class_emb``, ``pos_start``, ``word_embed``, ``blocks.N``, ``head_nm``, ``head``.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: VarGeometry) -> None:
        super().__init__()
        self.geometry = geometry
        width = geometry.width
        self.class_emb = nn.Embedding(geometry.classes + 1, width)
        self.pos_start = nn.Parameter(torch.randn(1, 1, width) * width**-0.5)
        self.word_embed = nn.Linear(geometry.channels, width)
        self.blocks = nn.ModuleList(self.block() for _ in range(geometry.depth))
        self.head_nm = AdaLayerNorm(width)
        self.head = nn.Linear(width, geometry.vocabulary)

    def block(self) -> nn.Module:
        """One of the blocks."""
        sizes = self.geometry
        return AdaLayerNormBlock(sizes.width, sizes.heads, cosine=sizes.cosine, shared=sizes.shared)

    def mask(self, lengths: Sequence[int], past: int, device: torch.device) -> Tensor | None:
        """Which positions of so long scales see which of their own and of those before, ``bool [T,past+T]``."""
        return block_causal(lengths, past, device)

    def make_cache(self, rows: int, positions: int) -> ScaleMemory:
        """An empty cache in the precision of the weights."""
        return KeyValueCache(self.geometry.cache(positions), rows, self.head.weight)

    def conditioned(self, shown: Any) -> Any:
        """Labels ``int64 [R]``, ``classes`` for none, to ``[R,width]``."""
        return self.class_emb(shown)

    def step(
        self,
        maps: Sequence[Tensor | None],
        first: int,
        condition: Any,
        cache: ScaleMemory | None,
        pruning: TokenPruning | None = None,
    ) -> Tensor:
        """As :meth:`vtbench.generators.sampling.next_scale.strategy.NextScaleHost.step`."""
        x = torch.cat([self.entered(seen, first + number, condition) for number, seen in enumerate(maps)], dim=1)
        lengths = self.geometry.schedule.lengths[first : first + len(maps)]
        mask = self.mask(lengths, 0 if cache is None else cache.length, x.device)
        classes = self.modulating(condition)
        modulation = self.modulation(classes)
        for layer, block in enumerate(self.blocks):
            x = block(x, modulation, mask, cache, layer, pruning)
        if cache is not None:
            cache.advance(x.shape[1])
        logits: Tensor = self.head(self.head_nm(x, classes))
        return logits

    def entered(self, seen: Tensor | None, scale: int, condition: Any) -> Tensor:
        """What enters block 0 for scale k: ``[R,T,width]`` of a map ``[R,C,h,w]``, or of the condition for scale 0."""
        if seen is None:
            return self.start(condition) + self.places(scale)
        words = self.word_embed(seen.to(self.word_embed.weight.dtype).flatten(2).transpose(1, 2))
        return words + self.places(scale)  # type: ignore[no-any-return]

    def start(self, condition: Any) -> Tensor:
        """What scale 0 is predicted from, before its places are added, ``[R,T,width]``."""
        started: Tensor = condition[:, None] + self.pos_start
        return started

    def modulating(self, condition: Any) -> Tensor:
        """What of the condition modulates blocks and head, ``[R,width]``."""
        vector: Tensor = condition
        return vector

    def places(self, scale: int) -> Tensor:
        """What is added to each position of scale k, ``[T,width]`` or ``[1,T,width]``."""
        raise NotImplementedError

    def modulation(self, condition: Tensor) -> Tensor:
        """What modulates the blocks."""
        return condition


class VarNetwork(ScaleNetwork):
    """Predicts the token maps of an image from its class and the scales before.

    Names beside those of :class:`ScaleNetwork`: ``pos_1LC``, ``lvl_embed``, and ``shared_ada_lin.1`` where shared.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: VarGeometry) -> None:
        super().__init__(geometry)
        width, schedule = geometry.width, geometry.schedule
        self.pos_1LC = nn.Parameter(torch.randn(1, schedule.tokens, width) * width**-0.5)
        self.lvl_embed = nn.Embedding(len(schedule), width)
        if geometry.shared:
            self.shared_ada_lin = condition_layer(width, 6)

    def places(self, scale: int) -> Tensor:
        """The embedding of the scale, and one of each of its places."""
        schedule = self.geometry.schedule
        own = self.pos_1LC[:, schedule.before(scale) : schedule.before(scale + 1)]
        return self.lvl_embed.weight[scale] + own

    def modulation(self, condition: Tensor) -> Tensor:
        """``[R,width]``, or ``[R,1,6,width]`` where shared."""
        if not self.geometry.shared:
            return condition
        vectors: Tensor = self.shared_ada_lin(condition)
        return vectors.view(len(vectors), 1, 6, -1)


def _sized(depth: int, **changes: bool) -> dict[str, int | bool]:
    return {"depth": depth, "width": 64 * depth, "heads": depth, **changes}


SIZES: dict[str, dict[str, int | bool]] = {
    **{f"d{depth}": _sized(depth) for depth in (16, 20, 24, 30)},
    "d36-s": _sized(36, shared=True),
    "micro": {"depth": 10, "width": 128, "heads": 4},
    "nano": {"depth": 3, "width": 128, "heads": 4},
    "tiny": {"depth": 2, "width": 64, "heads": 2},
}
"""Published sizes (VAR, table 1 and section 4), two of the reference zoo, and one for tests that no file has."""
