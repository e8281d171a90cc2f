"""Fetch what a card stands for: its checkpoint, and what its family reads beside it."""

from __future__ import annotations

from vtbench.checkpoints.cards import Card
from vtbench.checkpoints.files import Located
from vtbench.checkpoints.published import locate_whole
from vtbench.core.errors import UsageError
from vtbench.tokenizers import TOKENIZERS


def fetch_card(card: Card) -> list[Located]:
    """The card's checkpoint, its file or folder, and what its family reads beside it; fetched where not at hand.

    Of a folder, the SHA-256 is that of its first file.

    Raises:
        UsageError: the card has no checkpoint.
        AssetMissingError: it cannot be had.
    """
    if card.checkpoint is None:
        raise UsageError(f"{card.name} has no weights", "it needs no fetching")
    beside = TOKENIZERS.load(card.target).beside() if card.checkpoint.file else ()
    return [locate_whole(card, card.checkpoint), *beside]
