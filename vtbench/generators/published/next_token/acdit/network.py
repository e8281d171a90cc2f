"""ACDiT's network in the names of its published files: a diffusion transformer that sees the clean blocks before.

Clean tokens are neither modulated nor gated, and see clean ones alone, so that neither time nor class changes their
keys and values: they are computed once, beside the first step of the block that follows, and kept.

Positions: of each half of a head's channels, one half turns by the row, one by the column (or in another split), with
the pairs of a plain rotation of the whole head. So were the weights trained: it is no rotation of pairs.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vtbench.generators.published.next_token.acdit.geometry import AcditGeometry
from vtbench.networks.decoder_transformer import RmsNorm
from vtbench.networks.denoisers.embedded_time import EmbeddedTime
from vtbench.networks.key_value_cache import CacheGeometry, KeyValueCache
from vtbench.networks.rotary import HeldTable
from vtbench.networks.vision_transformer import Perceptron

EPS = 1e-6


class Attention(nn.Module):
    """Attention with biases; queries and keys of each head are normalised, then turned."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.q_norm = RmsNorm(width // heads, EPS)
        self.k_norm = RmsNorm(width // heads, EPS)
        self.proj = nn.Linear(width, width)
        self._heads = heads

    def forward(self, x: Tensor, turns: Tensor, mask: Tensor | None, cache: KeyValueCache | None, layer: int) -> Tensor:
        query, key, value = self.qkv(x).unflatten(-1, (3, self._heads, -1)).permute(2, 0, 3, 1, 4)
        query, key = turned(self.q_norm(query), turns), turned(self.k_norm(key), turns)
        if cache is not None:
            key, value = cache.extended(layer, key, value)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        output: Tensor = self.proj(attended.transpose(1, 2).flatten(2))
        return output


class Block(nn.Module):
    """Attention and feed-forward; of noisy tokens, time and class shift, scale and gate both."""

    def __init__(self, geometry: AcditGeometry) -> None:
        super().__init__()
        width = geometry.width
        self.norm1 = RmsNorm(width, EPS)
        self.attn = Attention(width, geometry.heads)
        self.norm2 = RmsNorm(width, EPS)
        self.mlp = Perceptron(width, 4 * width, tanh=True)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))

    def forward(
        self,
        x: Tensor,
        given: Tensor,
        clean: int,
        turns: Tensor,
        mask: Tensor | None,
        cache: KeyValueCache | None,
        layer: int,
    ) -> Tensor:
        """``x``: clean tokens, so many, then noisy ones, ``[R,T,width]``; ``given``: ``[R,1,width]``."""
        shift, scale, gate, shift_mlp, scale_mlp, gate_mlp = (
            _beside_clean(part, neutral, clean, x.shape[1])
            for part, neutral in zip(self.adaLN_modulation(given).chunk(6, dim=-1), (0, 0, 1, 0, 0, 1), strict=True)
        )
        x = x + gate * self.attn(self.norm1(x) * (1 + scale) + shift, turns, mask, cache, layer)
        output: Tensor = x + gate_mlp * self.mlp(self.norm2(x) * (1 + scale_mlp) + shift_mlp)
        return output


class LastLayer(nn.Module):
    """A norm, shifted and scaled by time and class, and a matrix."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.norm_final = RmsNorm(width, EPS)
        self.linear = nn.Linear(width, outputs)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        shift, scale = self.adaLN_modulation(given).chunk(2, dim=-1)
        output: Tensor = self.linear(self.norm_final(x) * (1 + scale) + shift)
        return output


class AcditNetwork(nn.Module):
    """Predicts the noise in a block of tokens from its class and the clean blocks before it.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: AcditGeometry) -> None:
        super().__init__()
        self.geometry, width = geometry, geometry.width
        self.t_embedder = EmbeddedTime(width)
        self.y_embedder = nn.ModuleDict({"embedding_table": nn.Embedding(geometry.classes + 1, width)})
        self.x_embedder = nn.Linear(geometry.token_channels, width, bias=False)
        self.blocks = nn.ModuleList(Block(geometry) for _ in range(geometry.depth))
        self.final_layer = LastLayer(width, geometry.token_channels)
        self._turns = HeldTable(lambda: turn_table(geometry))

    def make_cache(self, batch: int) -> KeyValueCache:
        """An empty cache for so many sequences, those of guidance included: of clean blocks, and the noisy one."""
        geometry = self.geometry
        length, head_width = geometry.blocks * geometry.block, geometry.width // geometry.heads
        return KeyValueCache(
            CacheGeometry(geometry.depth, geometry.heads, length, head_width), batch, self.x_embedder.weight
        )

    def denoise(
        self, x: Tensor, time: int, labels: Tensor, block: int, clean: Tensor | None, cache: KeyValueCache
    ) -> Tensor:
        """The noise in a block.

        Args:
            x: noisy tokens ``[R,N,C]``.
            time: a step of the thousand.
            labels: ``int64 [R]``, ``classes`` for none.
            block: its number; the cache holds the keys and values of those before it, but for ``clean``.
            clean: the block before, where the cache lacks it; it has it then.
            cache: of clean blocks.

        Returns:
            ``[R,N,C]``.
        """
        before = 0 if clean is None else clean.shape[1]
        size = x.shape[1]
        shown = x if clean is None else torch.cat([clean, x], dim=1)
        turns = self._turns.on(x.device)[:, block * size - before : (block + 1) * size]
        mask = None
        if before:  # clean tokens see no noisy ones
            mask = torch.ones(before + size, (block + 1) * size, dtype=torch.bool, device=x.device)
            mask[:before, -size:] = False
        times = torch.full((1,), time, device=x.device)
        found = self._run(shown, self._given(times, labels), before, turns, mask, cache)
        cache.advance(before)
        return found

    def forward(self, clean: Tensor, noisy: Tensor, time: int, labels: Tensor) -> Tensor:
        """All blocks at once, each beside the clean ones before it: both ``[R,blocks,N,C]`` to the noise, likewise."""
        size = clean.shape[1] * clean.shape[2]
        number = torch.arange(size, device=clean.device) // clean.shape[2]
        earlier, own = number[:, None] > number, number[:, None] == number
        nothing = torch.zeros_like(own)
        mask = torch.cat([torch.cat([earlier | own, nothing], dim=1), torch.cat([earlier, own], dim=1)])
        turns = self._turns.on(clean.device)[:, :size].repeat(1, 2, 1)
        shown = torch.cat([clean.flatten(1, 2), noisy.flatten(1, 2)], dim=1)
        given = self._given(torch.tensor([time], device=clean.device), labels)
        return self._run(shown, given, size, turns, mask, None).reshape(noisy.shape)

    def _given(self, time: Tensor, labels: Tensor) -> Tensor:
        given: Tensor = (self.t_embedder(time) + self.y_embedder["embedding_table"](labels))[:, None]
        return given

    def _run(
        self,
        shown: Tensor,
        given: Tensor,
        clean: int,
        turns: Tensor,
        mask: Tensor | None,
        cache: KeyValueCache | None,
    ) -> Tensor:
        x = self.x_embedder(shown.to(self.x_embedder.weight))
        for layer, block in enumerate(self.blocks):
            x = block(x, given, clean, turns, mask, cache, layer)
        output: Tensor = self.final_layer(x[:, clean:], given)
        return output


def turn_table(geometry: AcditGeometry) -> Tensor:
    """Cosines and sines of every token in the order of blocks, ``float32 [2,T,head_width]``.

    A coordinate p turns frequency m of ``head_width/4`` by p · base^(-m/(head_width/4 - 1)), base the hundreds above
    8 · side / π.
    """
    side, head_width = geometry.token_side, geometry.width // geometry.heads
    base = (int(8 * side / math.pi) // 100 + 1) * 100
    exponents = torch.linspace(0, head_width, head_width // 4) / head_width
    frequencies = 1.0 / base**exponents
    place = geometry.raster()
    angles = [torch.outer(axis.float(), frequencies).repeat(1, 2) for axis in (place // side, place % side)]
    whole = torch.cat(angles, dim=1)
    return torch.stack([whole.cos(), whole.sin()])


def turned(x: Tensor, turns: Tensor) -> Tensor:
    """``[R,heads,T,D]`` by a table ``[2,T,D]``, computed in float32: x cos + (-x₂, x₁) sin, of the halves of x."""
    first, second = x.float().chunk(2, dim=-1)
    output: Tensor = (x.float() * turns[0] + torch.cat([-second, first], dim=-1) * turns[1]).type_as(x)
    return output


def _beside_clean(part: Tensor, neutral: int, clean: int, length: int) -> Tensor:
    """``[R,1,width]`` for noisy tokens, what changes nothing for the clean ones before them."""
    if not clean:
        return part
    still = part.new_full((len(part), clean, part.shape[-1]), neutral)
    return torch.cat([still, part.expand(-1, length - clean, -1)], dim=1)
