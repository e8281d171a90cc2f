"""Conditions of LlamaGen and of what is built on it: a class as the first position, or a text as the first positions,
one for each of its tokens, filled up on the left."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vtbench.generators.text.encoded import EncodedText


@dataclass(frozen=True)
class TextGeometry:
    """Sizes of a text.

    Attributes:
        length: positions, filled ones included.
        channels: of a feature of the text encoder (2048: flan-t5-xl).
    """

    length: int = 120
    channels: int = 2048


class ClassCondition(nn.Module):
    """A class label as the first position."""

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        self.embedding_table = nn.Embedding(classes + 1, width)

    def forward(self, labels: Tensor) -> Tensor:
        embedded: Tensor = self.embedding_table(labels)[:, None]
        return embedded


class TextProjection(nn.Module):
    """Two matrices with a GELU between them, in its approximation by tanh."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, width, bias=False)
        self.fc2 = nn.Linear(width, width, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        projected: Tensor = self.fc2(F.gelu(self.fc1(features), approximate="tanh"))
        return projected


class TextCondition(nn.Module):
    """Features of a text as the first positions; in its state dict, those that stand for no text."""

    uncond_embedding: Tensor

    def __init__(self, geometry: TextGeometry, width: int) -> None:
        super().__init__()
        self.cap_proj = TextProjection(geometry.channels, width)
        self.register_buffer(
            "uncond_embedding", torch.randn(geometry.length, geometry.channels) * geometry.channels**-0.5
        )

    def forward(self, text: EncodedText) -> Tensor:
        projected: Tensor = self.cap_proj(text.features)
        return projected

    def nothing(self, text: EncodedText) -> EncodedText:
        """What stands beside these texts for none: the learnt features, where they have some."""
        return EncodedText(self.uncond_embedding.expand(len(text), -1, -1), text.mask)


def padding_of(condition: Tensor | EncodedText) -> Tensor | None:
    """``bool [B,P]``, which positions of the condition are filled up; ``None`` for a class."""
    return ~condition.mask if isinstance(condition, EncodedText) else None


def condition_layers(classes: int, text: TextGeometry | None, width: int) -> nn.Module:
    """What makes the first positions of a text, or where there is none of a class."""
    return ClassCondition(classes, width) if text is None else TextCondition(text, width)
