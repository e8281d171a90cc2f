"""ELM's masked transformer in the names of its published files: LlamaGen's blocks, in which every place sees all."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vtbench.generators.published.next_token.elm.network import SIZES, ElmGeometry
from vtbench.generators.published.next_token.llamagen.network_condition import ClassCondition
from vtbench.networks.decoder_transformer import DecoderBlock, RmsNorm
from vtbench.networks.rotary import HeldTable

MASKED_SIZES = {size: SIZES[size] for size in ("L", "XL", "XXL", "tiny")}
"""Published sizes, and one for tests that no file has."""


class TiedHead(nn.Module):
    """Hidden states to logits by the table that tokens enter with: ``norm(gelu(fc h)) Eᵀ + bias``."""

    def __init__(self, width: int, entries: int) -> None:
        super().__init__()
        self.fc = nn.Linear(width, width)
        self.ln = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(1, 1, entries))

    def forward(self, hidden: Tensor, table: Tensor) -> Tensor:
        """``[B,P,width]`` and the first rows of the table ``[V,width]`` to logits ``[B,P,V]``."""
        projected = self.ln(F.gelu(self.fc(hidden)))
        output: Tensor = projected @ table.T + self.bias[..., : len(table)]
        return output


class ElmMaskedNetwork(nn.Module):
    """Fills masked tokens of an image, given its class, which stands in front and is not turned.

    Args:
        geometry: its sizes; of one sub-code.
    """

    def __init__(self, geometry: ElmGeometry) -> None:
        super().__init__()
        self.geometry = geometry
        width, entries = geometry.decoder.width, 2**geometry.bits + 1
        self.cls_embedding = ClassCondition(geometry.classes, width)
        self.tok_embedder = nn.Embedding(entries, width)
        nn.init.normal_(self.tok_embedder.weight, std=0.02)  # it is the head too: wider, one token would have it all
        self.layers = nn.ModuleList(DecoderBlock(geometry.decoder) for _ in range(geometry.decoder.depth))
        self.norm = RmsNorm(width, geometry.decoder.eps)
        self.mlm_layer = TiedHead(width, entries)
        self._turns = HeldTable(geometry.turns)

    @property
    def places(self) -> int:
        """Tokens of an image."""
        return self.geometry.tokens

    @property
    def mask_token(self) -> int:
        """The entry behind those of the vocabulary."""
        return int(2**self.geometry.bits)

    def predict(self, condition: Tensor, tokens: Tensor) -> Tensor:
        """Logits of every place.

        Args:
            condition: labels ``int64 [B]``; ``classes`` for none.
            tokens: ``int64 [B,P]``, masked or not.

        Returns:
            ``[B,P,2**bits]``.
        """
        x = torch.cat([self.cls_embedding(condition), self.tok_embedder(tokens)], dim=1)
        turns = self._turns.on(x.device)
        for number, layer in enumerate(self.layers):
            x = layer(x, turns, None, None, number)
        logits: Tensor = self.mlm_layer(self.norm(x)[:, 1:], self.tok_embedder.weight[: self.mask_token])
        return logits
