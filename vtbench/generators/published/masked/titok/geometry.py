"""Sizes of TiTok's generators, and how classes, codes and the mask share one table of embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Trunk = Literal["bert", "u-vit"]


@dataclass(frozen=True)
class TitokGeometry:
    """Sizes of a network. Entries of the embedding: codes, the mask, classes, and one for "no class".

    Attributes:
        trunk: ``bert`` (ImageBert) or ``u-vit`` (UViTBert).
        depth: blocks of a ``bert``; of a ``u-vit``, those of both arms, to which one between them is added.
        heads: of attention.
        width: channels.
        hidden: channels inside the feed-forward part.
        tokens: of an image.
        vocabulary: entries of the tokenizer's codebook.
        classes: class labels.
    """

    trunk: Trunk
    depth: int
    heads: int
    width: int
    hidden: int
    tokens: int
    vocabulary: int = 4096
    classes: int = 1000

    @property
    def mask_token(self) -> int:
        """Entry of a masked place."""
        return self.vocabulary

    @property
    def first_class(self) -> int:
        """Entry of class 0; that of "no class" comes ``classes`` later."""
        return self.vocabulary + 1

    @property
    def entries(self) -> int:
        """Of the embedding."""
        return self.vocabulary + self.classes + 2


def _bert(tokens: int) -> TitokGeometry:
    return TitokGeometry("bert", depth=24, heads=16, width=768, hidden=3072, tokens=tokens)


SIZES = {
    "L-32": _bert(32),
    "B-64": _bert(64),
    "S-128": TitokGeometry("u-vit", depth=20, heads=16, width=1024, hidden=4096, tokens=128),
    "One-D-Piece": _bert(256),
    "nano": TitokGeometry("u-vit", 6, 6, 192, 768, tokens=32, vocabulary=512),
    "tiny-bert": TitokGeometry("bert", 2, 4, 64, 128, tokens=8, vocabulary=32),
    "tiny-u-vit": TitokGeometry("u-vit", 2, 4, 64, 128, tokens=8, vocabulary=32),
}
"""Published sizes by the tokenizer's name, that of the reference zoo (``nano``), and two for tests that no file has."""
