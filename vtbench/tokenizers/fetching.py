"""Fetch what a card stands for: its checkpoint, and what its family reads beside it."""

from __future__ import annotations

from vtbench.checkpoints.cards import Card, find_card
from vtbench.checkpoints.files import Located
from vtbench.checkpoints.published import locate_whole
from vtbench.core.errors import UsageError
from vtbench.core.naming.reference import parse_reference
from vtbench.tokenizers import PAIR, TOKENIZERS


def fetch_card(card: Card) -> list[Located]:
    """The card's checkpoint, its file or folder, and what its family reads beside it; fetched where not at hand.

    Of a folder, the SHA-256 is that of its first file; of a pair, all this for both.

    Raises:
        UsageError: the card has no checkpoint.
        AssetMissingError: it cannot be had.
    """
    if card.target == PAIR:
        halves = (find_card(parse_reference(str(half)).target) for half in card.args.values())
        return [found for half in halves for found in fetch_card(half)]
    if card.checkpoint is None:
        raise UsageError(f"{card.name} has no weights", "it needs no fetching")
    beside = TOKENIZERS.load(card.target).beside() if card.checkpoint.file else ()
    return [locate_whole(card, card.checkpoint), *beside]
