"""Fetch what a card stands for: its checkpoint, and what its family reads beside it."""

from __future__ import annotations

from vtbench.checkpoints.cards import Card
from vtbench.checkpoints.files import Located, locate_official
from vtbench.checkpoints.published import locate_folder
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
    if card.checkpoint.file:
        return [locate_official(None, card), *TOKENIZERS.load(card.target).beside()]
    found = locate_folder(card, card.checkpoint, card.checkpoint.revision, card.checkpoint.variant)
    return [Located(found.folder, found.weights()[0].sha256, found.source)]
