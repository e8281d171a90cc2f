"""The network that is fitted: a causal transformer of torch's own layers, as small as the task says."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vtbench.run.probing.sequences import Geometry, Order
from vtbench.tasks.sections import ProbeSpec


class CodeProbe(nn.Module):
    """Predicts each token of an image's codes from those before it.

    Embeddings of tokens, places and levels are learned; layers are pre-norm with GELU of four times the width. Heads
    begin at zero weight and the logarithm of each code's frequency among the images that are fitted, so that the probe
    begins as the order-0 code and whatever it gains was learned.

    Args:
        geometry: of the codes.
        order: after what each token is predicted.
        spec: width, blocks and heads.
        begin: logarithms of the frequencies: ``float [K]`` a table; of bits, logits ``[nbits]``.
        seed: of the initial weights.
    """

    def __init__(self, geometry: Geometry, order: Order, spec: ProbeSpec, begin: Sequence[Tensor], seed: int) -> None:
        super().__init__()
        self.geometry = geometry
        self.parents: Tensor
        self.hidden: Tensor
        self.register_buffer("parents", order.parents + 1, persistent=False)  # 0: nothing came before
        self.register_buffer("hidden", ~order.visible, persistent=False)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._build(spec, begin)

    def _build(self, spec: ProbeSpec, begin: Sequence[Tensor]) -> None:
        width = spec.width
        sizes = [len(logarithms) for logarithms in begin]
        embedding = nn.Linear if self.geometry.binary else nn.Embedding
        self.embeddings = nn.ModuleList(embedding(size, width) for size in sizes)
        self.start = nn.Parameter(torch.zeros(width))
        self.places = nn.Embedding(self.geometry.tokens, width)
        self.levels = nn.Embedding(len(self.geometry.grids), width)
        layer = nn.TransformerEncoderLayer(
            width, spec.heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(layer, spec.blocks, nn.LayerNorm(width), enable_nested_tensor=False)
        self.heads = nn.ModuleList(nn.Linear(width, size) for size in sizes)
        for module in self.modules():
            if isinstance(module, (nn.Embedding, nn.Linear)):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear):
                module.bias.data.zero_()
            if isinstance(module, nn.TransformerEncoderLayer):  # copies of one: each gets weights of its own
                nn.init.normal_(module.self_attn.in_proj_weight, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.TransformerEncoderLayer):
                for last in (module.self_attn.out_proj, module.linear2):
                    nn.init.normal_(last.weight, std=0.02 / math.sqrt(2 * spec.blocks))
        for head, logarithms in zip(self.heads, begin, strict=True):
            assert isinstance(head, nn.Linear)
            nn.init.zeros_(head.weight)
            with torch.no_grad():
                head.bias.copy_(logarithms)

    def forward(self, tokens: Tensor) -> Tensor:
        """``float32 [B,T]``: nats that each token of ``int64 [B,T]`` costs; of bits, ``bool [B,T,nbits]``."""
        geometry = self.geometry
        parts = [
            self.embeddings[table](tokens[:, span].float() if geometry.binary else tokens[:, span])
            for table, span in zip(geometry.tables, geometry.spans, strict=True)
        ]
        known = torch.cat([self.start.expand(len(tokens), 1, -1), *parts], dim=1)
        level = torch.repeat_interleave(self.levels.weight, self._lengths(tokens.device), dim=0)
        hidden = self.blocks(known[:, self.parents] + self.places.weight + level, mask=self.hidden)
        costs = [
            self._cost(self.heads[table](hidden[:, span]), tokens[:, span])
            for table, span in zip(geometry.tables, geometry.spans, strict=True)
        ]
        return torch.cat(costs, dim=1)

    def _lengths(self, device: torch.device) -> Tensor:
        return torch.tensor(self.geometry.lengths, device=device)

    def _cost(self, logits: Tensor, tokens: Tensor) -> Tensor:
        if self.geometry.binary:
            return F.binary_cross_entropy_with_logits(logits, tokens.float(), reduction="none").sum(-1)
        return F.cross_entropy(logits.flatten(0, 1), tokens.flatten(), reduction="none").view(tokens.shape)
