"""Infinity's transformer in the names of its published files: text, then the token maps of an image, scale by scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn

from vtbench.generators.published.next_scale.infinity.attention import CrossAttention, TextPooling
from vtbench.generators.published.next_scale.infinity.positions import ScalePositions, turning
from vtbench.generators.text.encoded import EncodedText
from vtbench.networks.key_value_cache import KeyValueCache
from vtbench.networks.next_scale.attention import ScaleAttention
from vtbench.networks.next_scale.blocks import (
    AdaLayerNorm,
    BlockModulation,
    Branch,
    FeedForward,
    condition_layer,
    gated,
)
from vtbench.networks.next_scale.masks import block_causal
from vtbench.networks.next_scale.precise_keys import PreciseKeysCache
from vtbench.networks.next_scale.pruning import pruned

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.published.next_scale.infinity.geometry import InfinityGeometry
    from vtbench.networks.next_scale.attention import ScaleCache
    from vtbench.networks.next_scale.pruning import TokenPruning

EPS = 1e-6


@dataclass(frozen=True, eq=False)
class TextCondition:
    """What every pass takes of R texts, in float32.

    Attributes:
        pooled: ``[R,width]``: the start, and what modulates the head.
        modulation: ``[R,1,6,width]``, of the blocks.
        text: ``[R,S,width]``.
        mask: ``bool [R,S]``.
    """

    pooled: Tensor
    modulation: Tensor
    text: Tensor
    mask: Tensor


@dataclass(frozen=True, eq=False)
class BlockPass:
    """What all blocks of one pass take.

    Attributes:
        condition: the text.
        mask: ``bool [T,S]``, which positions see which; ``None`` for all.
        cache: of the scales before.
        rotations: ``float32 [T,head_width/2,2]``.
        pruning: of positions.
    """

    condition: TextCondition
    mask: Tensor | None
    cache: ScaleCache | None
    rotations: Tensor
    pruning: TokenPruning | None


class InfinityBlock(BlockModulation):
    """Self-attention, attention to the text, feed-forward; the first and the last of modulated norms, behind gates.

    The residual stream is float32, and so are norms and gates; a branch computes in the precision of its weights.
    Names: ``sa``, ``ca``, ``ca_norm``, ``ffn``, ``ada_gss``.
    """

    def __init__(self, geometry: InfinityGeometry) -> None:
        super().__init__(geometry.width, 2, shared=True)
        width, heads = geometry.width, geometry.heads
        self.sa = ScaleAttention(width, heads, cosine=True)
        self.ca = CrossAttention(width, width, heads, rounded=geometry.cross_attention == "bfloat16")
        self.ca_norm = nn.LayerNorm(width, eps=EPS)
        self.ffn = FeedForward(width)

    def forward(self, x: Tensor, layer: int, given: BlockPass) -> Tensor:
        """One block: ``float32 [R,T,width]`` to the same."""
        first, last = self.vectors(given.condition.modulation)
        branches: tuple[Branch, ...] = (
            gated(lambda part, kept: self._self_attention(part, kept, layer, given), *first),
            lambda part, _: self._cross_attention(part, given.condition),
            gated(lambda part, _: self.ffn(part.to(self._dtype)).float(), *last),
        )
        for number, branch in enumerate(branches):
            x = x + pruned(given.pruning, (layer, number), x, branch)
        return x

    def _self_attention(self, part: Tensor, kept: Tensor | None, layer: int, given: BlockPass) -> Tensor:
        turn = turning(given.rotations, kept)
        found: Tensor = self.sa(part.to(self._dtype), given.mask, given.cache, layer, turn)
        return found.float()

    def _cross_attention(self, part: Tensor, condition: TextCondition) -> Tensor:
        norm = self.ca_norm
        asking = F.layer_norm(part, part.shape[-1:], norm.weight.float(), norm.bias.float(), EPS)
        found: Tensor = self.ca(asking.to(self._dtype), condition.text.to(self._dtype), condition.mask)
        return found.float()

    @property
    def _dtype(self) -> torch.dtype:
        return self.ffn.fc1.weight.dtype


class Chunk(nn.Module):
    """Some of the blocks, in ``module``, as published names have them."""

    def __init__(self, blocks: Sequence[InfinityBlock]) -> None:
        super().__init__()
        self.module = nn.ModuleList(blocks)


class InfinityNetwork(nn.Module):
    """Predicts the bits of the token maps of an image from text and the scales before.

    Names: ``cfg_uncond``, ``special_token`` where it has one, ``pos_start``, ``text_norm``, ``text_proj_for_sos``,
    ``text_proj_for_ca``, ``lvl_embed``, ``word_embed``, ``shared_ada_lin``, ``block_chunks.I.module.J``, ``head_nm``,
    ``head``.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: InfinityGeometry) -> None:
        super().__init__()
        self.geometry = geometry
        width, text_width = geometry.width, geometry.text_width
        self.cfg_uncond = nn.Parameter(torch.randn(geometry.text_length, text_width) * text_width**-0.5)
        if geometry.subject:
            self.special_token = nn.Parameter(torch.zeros(1, text_width))
        self.pos_start = nn.Parameter(torch.randn(1, 1, width) * (3 * width) ** -0.5)
        self.text_norm = nn.RMSNorm(text_width, eps=EPS)
        rounded = geometry.cross_attention == "bfloat16"
        self.text_proj_for_sos = TextPooling(width, text_width, geometry.pooling_heads, rounded=rounded)
        gelu = nn.GELU(approximate="tanh")
        self.text_proj_for_ca = nn.Sequential(nn.Linear(text_width, width), gelu, nn.Linear(width, width))
        self.lvl_embed = nn.Embedding(geometry.levels, width)
        self.word_embed = nn.Linear(geometry.bits, width)
        self.shared_ada_lin = condition_layer(width, 6)
        each = geometry.depth // geometry.chunks
        self.block_chunks = nn.ModuleList(
            Chunk([InfinityBlock(geometry) for _ in range(each)]) for _ in range(geometry.chunks)
        )
        self.head_nm = AdaLayerNorm(width)
        self.head = nn.Linear(width, 2 * geometry.bits)
        self._positions = self._make_positions()

    def _make_positions(self) -> ScalePositions:
        geometry = self.geometry
        return ScalePositions(geometry.schedule, geometry.finest, geometry.head_width)

    @property
    def blocks(self) -> list[InfinityBlock]:
        """In order."""
        chunks: list[Any] = list(self.block_chunks)
        return [block for chunk in chunks for block in chunk.module]

    def make_cache(self, rows: int, positions: int) -> ScaleCache | None:
        """An empty cache: values in the precision of the blocks, keys in it or in float32."""
        values = self.blocks[0].sa.proj.weight
        kind = KeyValueCache if self.geometry.key_cache == "values" else PreciseKeysCache
        return kind(self.geometry.cache(positions), rows, values)

    def with_subject(self, text: EncodedText, places: Tensor) -> EncodedText:
        """The learnt feature of the subject in the places ``bool [B,S]``."""
        features = torch.where(places[..., None], self.special_token, text.features.to(self.special_token.dtype))
        return EncodedText(features, text.mask)

    def without_text(self, text: EncodedText) -> EncodedText:
        """What stands for no prompt in place of each of these: learnt features of as many tokens."""
        learnt = self.cfg_uncond[: text.mask.shape[1]]
        return EncodedText(learnt.expand(len(text), -1, -1), text.mask)

    def conditioned(self, shown: EncodedText) -> TextCondition:
        """Features ``[R,S,text_width]`` to what every pass takes of them."""
        features = self.text_norm(shown.features.to(self.pos_start.dtype))
        pooled = self.text_proj_for_sos(features, shown.mask)
        modulation = self.shared_ada_lin(pooled).unflatten(-1, (1, 6, -1))
        return TextCondition(pooled, modulation, self.text_proj_for_ca(features), shown.mask)

    def step(
        self,
        maps: Sequence[Tensor | None],
        first: int,
        condition: TextCondition,
        cache: ScaleCache | None,
        pruning: TokenPruning | None = None,
    ) -> Tensor:
        """As :meth:`vtbench.generators.sampling.next_scale.strategy.NextScaleHost.step`: ``[R,T,bits,2]``, of each bit
        the logits of 0 and 1."""
        x = torch.cat([self._entered(seen, first + number, condition) for number, seen in enumerate(maps)], dim=1)
        lengths = self.geometry.schedule.lengths[first : first + len(maps)]
        mask = block_causal(lengths, 0 if cache is None else cache.length, x.device)
        rotations = self._positions.rotations(first, len(maps), x.device)
        x = self._through(x, BlockPass(condition, mask, cache, rotations, pruning))
        logits: Tensor = self.head(self.head_nm(x, condition.pooled))
        return logits.view(*x.shape[:2], self.geometry.bits, 2)

    def _through(self, x: Tensor, given: BlockPass) -> Tensor:
        """``[R,T,width]`` through all blocks; the cache has got the positions then."""
        for layer, block in enumerate(self.blocks):
            x = block(x, layer, given)
        if given.cache is not None:
            given.cache.advance(x.shape[1])
        return x

    def _entered(self, seen: Tensor | None, scale: int, condition: TextCondition) -> Tensor:
        """What enters block 0 for scale k: ``[R,T,width]`` of a map ``[R,bits,h,w]``, or of the text for scale 0."""
        if seen is None:
            entered = condition.pooled[:, None] + self.pos_start
        else:
            entered = self.word_embed(seen.flatten(2).transpose(1, 2))
        return entered + self.lvl_embed.weight[scale]
